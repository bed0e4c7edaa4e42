package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// screen is what a person sees.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func TestALongStepShowsThatItGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out screen
		p := progress{out: &out}
		p.begin("deploying %s", "it")
		time.Sleep(25 * time.Second) // the bubble's clock
		synctest.Wait()
		p.end(nil)
		want := "  … deploying it\n    still deploying it, 10s\n    still deploying it, 20s\n  ✓ deploying it (25s)\n"
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", out.String(), want)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if out.String() != want {
			t.Errorf("a step that has ended goes on:\n%s", out.String())
		}
	})
}

func TestOnlyAStepThatFailsShowsWhatItPrinted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out screen
		p := progress{out: &out}
		p.begin("well")
		_, _ = fmt.Fprintln(p.log(), "300 lines")
		p.end(nil)
		p.begin("ill")
		_, _ = fmt.Fprint(p.log(), strings.Repeat("x", maxTail), "the last words\n")
		p.end(errors.New("exit status 1"))
		if got := out.String(); strings.Contains(got, "300 lines") || !strings.HasSuffix(got, "the last words\n") || strings.Count(got, "x") > maxTail {
			t.Errorf("%d bytes: %.60s … %s", len(got), got, got[max(0, len(got)-40):])
		}
	})
}
