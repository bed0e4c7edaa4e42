//go:build unix

package local

import (
	"bufio"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stubborn starts a shell that ignores SIGTERM and has started another, and returns both.
func stubborn(t *testing.T) (p *process, child int) {
	t.Helper()
	out, in := io.Pipe()
	p, err := startProcess(exec.Command("sh", "-c", `trap "" TERM; sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done' & wait; while :; do sleep 1; done`), in)
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	child, err = strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return p, child
}

func TestEndTakesTheWholeGroup(t *testing.T) {
	t.Parallel()
	p, child := stubborn(t)
	p.grace = 10 * time.Millisecond
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	// The child is gone, or dead and not yet reaped by the system's first process; dying takes it a moment.
	for asked := 0; alive(child) && !zombie(child); asked++ {
		if asked == 1000 {
			t.Fatalf("process %d outlived its group", child)
		}
	}
}

func zombie(pid int) bool {
	text, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(text)), "Z")
}

func TestTailKeepsTheEnd(t *testing.T) {
	t.Parallel()
	last := &tail{limit: 5}
	if got := last.String(); got != "(it said nothing)" {
		t.Errorf("got %q", got)
	}
	for _, text := range []string{"abc", "defg", "hijklmnop"} {
		if n, err := last.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("%d %v", n, err)
		}
	}
	if got := last.String(); got != "lmnop" {
		t.Errorf("got %q", got)
	}
}
