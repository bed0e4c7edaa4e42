package sim

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/faults.md names, of each fault, where it is proven: what it names is there, and it names all that the simulator has.
func TestEachFaultIsProvenWhereTheTableSays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	tests, name := testNames(t), regexp.MustCompile(`Test[A-Z]\w+`)
	var drawn, every []string
	for line := range strings.Lines(string(text)) {
		for _, proof := range name.FindAllString(line, -1) {
			if !tests[proof] {
				t.Errorf("there is no %s: %.60s", proof, line)
			}
		}
		cells := strings.Split(line, "|")
		if len(cells) != 6 || !regexp.MustCompile(`^ \d`).MatchString(cells[1]) {
			continue
		}
		id, simulator, proofs := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[3]), cells[4]
		switch simulator {
		case "drawn":
			drawn = append(drawn, id)
		case "every":
			every = append(every, id)
		case "":
			if !name.MatchString(proofs) && !strings.Contains(proofs, "open") {
				t.Errorf("row %s is proven nowhere", id)
			}
		default:
			t.Errorf("row %s: the simulator's column says %q", id, simulator)
		}
	}
	if !slices.Equal(drawn, Rows()) {
		t.Errorf("drawn are %q, the table says %q", Rows(), drawn)
	}
	if !slices.Equal(every, Always()) {
		t.Errorf("every run has %q, the table says %q", Always(), every)
	}
}

// testNames are the tests of the whole project.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	found, declared := map[string]bool{}, regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(source, -1) {
			found[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
