package rule

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// yamlBlock is a fenced block of YAML.
var yamlBlock = regexp.MustCompile("(?s)\n```yaml\n(.*?)\n```\n")

// The files in docs/rules.md and docs/before-deployment.md are each a whole loop.yaml.
func TestTheFilesInTheDocsAreValid(t *testing.T) {
	t.Parallel()
	for page, least := range map[string]int{"rules.md": 7, "before-deployment.md": 1} {
		valid(t, page, least)
	}
}

func valid(t *testing.T, page string, least int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	blocks := yamlBlock.FindAllSubmatchIndex(text, -1)
	if len(blocks) < least {
		t.Errorf("%s: %d files were found", page, len(blocks))
	}
	for _, m := range blocks {
		line := strings.Count(string(text[:m[2]]), "\n")
		src := strings.Repeat("\n", line) + string(text[m[2]:m[3]]) // so that problems name the page's line
		cfg, err := Parse("docs/"+page, []byte(src))
		if err != nil {
			t.Error(err)
			continue
		}
		if problems := Warnings(cfg); len(problems) > 0 {
			t.Errorf("%s, line %d: the example is warned of: %v", page, line+1, problems)
		}
	}
}

// Whoever adds a word to rules shows how it is used.
func TestEveryFieldOfARuleHasAnExample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	var files strings.Builder
	for _, m := range yamlBlock.FindAllSubmatch(text, -1) {
		files.Write(m[1])
	}
	words := []string{
		"within", "over", "above", "below", "lateness", "max_entries", "name", "match", "when",
		"until", "key", "verify", "else", "inhibited_by", "group", "by", "wait", "throttle",
		"id", "mode", "guard", "max_per_hour", "max_regressions", "worse", "do", "undo", "step",
		"action", "approval", "with", "window",
	}
	for word := range windowKinds() {
		words = append(words, word)
	}
	for _, word := range words {
		if !regexp.MustCompile(`[ {\n]` + word + `:`).MatchString(files.String()) {
			t.Errorf("no example has %s:", word)
		}
	}
}
