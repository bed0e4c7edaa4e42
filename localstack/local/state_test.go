package local

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"example.com/unbroken/localstack/edge"
)

// gone is a process id that no system gives out.
const gone = 1 << 30

func running(t *testing.T) *World {
	t.Helper()
	e, err := edge.New(edge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(e)
	t.Cleanup(front.Close)
	return &World{Site: Site{Dir: t.TempDir(), EdgeURL: front.URL, EmulatorURL: "http://127.0.0.1:1", ReceiverURL: "http://127.0.0.1:2"}}
}

func leave(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, ".local"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(statePath(dir), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFindBelievesOnlyALivingWorld(t *testing.T) {
	t.Parallel()
	w := running(t)
	pid := strconv.Itoa(os.Getpid())
	for name, text := range map[string]string{
		"process gone":           `{"pid":` + strconv.Itoa(gone) + `,"edge":"` + w.EdgeURL + `"}`,
		"no process":             `{"pid":0,"edge":"` + w.EdgeURL + `"}`,
		"all processes of a pid": `{"pid":-1,"edge":"` + w.EdgeURL + `"}`,
		"edge does not answer":   `{"pid":` + pid + `,"edge":"http://127.0.0.1:1"}`,
		"damaged":                `{"pid":`,
		"empty":                  ``,
	} {
		dir := t.TempDir()
		leave(t, dir, text)
		if _, err := Find(t.Context(), dir); !errors.Is(err, ErrNotRunning) || !strings.Contains(err.Error(), "make run") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	dir := t.TempDir()
	leave(t, dir, `{"pid":`+pid+`,"edge":"`+w.EdgeURL+`","emulator":"http://127.0.0.1:1"}`)
	if site, err := Find(t.Context(), dir); err != nil || site.EdgeURL != w.EdgeURL || site.EmulatorURL != "http://127.0.0.1:1" || site.Dir != dir {
		t.Errorf("a living one: %+v %v", site, err)
	}
}

func TestAnnounceReplacesWhatIsStaleAndNothingElse(t *testing.T) {
	t.Parallel()
	w := running(t)
	leave(t, w.Dir, `{"pid":`+strconv.Itoa(gone)+`}`)
	if err := w.Announce(t.Context()); err != nil {
		t.Fatalf("over a stale one: %v", err)
	}
	other := running(t)
	other.Dir = w.Dir
	if err := other.Announce(t.Context()); !errors.Is(err, ErrRunning) || !strings.Contains(err.Error(), w.EdgeURL) {
		t.Errorf("over a living one: %v", err)
	}
	other.retract() // is not the announced one
	if site, err := Find(t.Context(), w.Dir); err != nil || site.EdgeURL != w.EdgeURL {
		t.Errorf("another one took it back: %+v %v", site, err)
	}
	w.retract()
	if _, err := Find(t.Context(), w.Dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("after it was taken back: %v", err)
	}
}
