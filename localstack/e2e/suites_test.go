//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The AWS adapters pass, against the emulator, the suites that the in-memory services pass in their own tests: so
// what the simulator proves over memory is known to hold over the real thing. A suite that was skipped shows nothing.
//
// Tests run in the order of their files, and this one is the last: after it the emulator answers so slowly that claims
// run out before anything is sent.
func TestTheAWSAdaptersConform(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "./internal/dynamo", "./internal/queue", "./internal/cloudwatch", "./internal/s3", "./internal/target")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+suite.EmulatorURL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	out, err := cmd.CombinedOutput()
	text := string(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, failures(text))
	}
	if strings.Contains(text, "AWS_ENDPOINT_URL is not set") {
		t.Errorf("a suite was skipped although the emulator runs:\n%s", text[max(0, len(text)-6000):])
	}
	t.Logf("%d tests passed", strings.Count(text, "--- PASS"))
}

// failures leaves out what passed and what has not ended.
func failures(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		word := strings.TrimSpace(line)
		if !strings.HasPrefix(word, "--- PASS") && !strings.HasPrefix(word, "--- SKIP") && !strings.HasPrefix(word, "=== ") {
			b.WriteString(line)
		}
	}
	return b.String()
}
