package client

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
)

func spoolIn(t *testing.T, dir string, most int64) *Spool {
	t.Helper()
	s, err := OpenSpool(dir, most)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func with(t *testing.T, s *Spool, r ...*region) *Client {
	t.Helper()
	c, err := New(Config{Endpoints: regions(r...), Spool: s, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		names = append(names, f.Name())
	}
	return names
}

func TestWhatNobodyTookStaysInTheSpoolAndIsDrained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		down := answering(fails(errDown))
		r, err := with(t, spoolIn(t, dir, 1<<20), down).Send(t.Context(), signals(3)...)
		if failed, ok := errors.AsType[*NotAccepted](err); !ok || failed.Open != 3 || !r.Results[2].Spooled {
			t.Fatalf("%+v %v", r, err)
		}
		// Another process comes up with the regions.
		up := answering(accepts)
		c := with(t, spoolIn(t, dir, 1<<20), up)
		r, err = c.Drain(t.Context())
		if err != nil || r.Count(Accepted) != 3 || r.Requests != 1 || r.Results[0].Key != signals(1)[0].Key() || r.Results[0].Spooled {
			t.Errorf("%+v %v", r, err)
		}
		if up.raw[0] != down.raw[0] {
			t.Errorf("drained other bytes:\n%s\n%s", up.raw[0], down.raw[0])
		}
		if left := files(t, dir); left != nil {
			t.Errorf("left: %v", left)
		}
		if r, err := c.Drain(t.Context()); err != nil || len(r.Results) != 0 || len(up.raw) != 1 {
			t.Errorf("an empty spool was drained: %+v %v", r, err)
		}
	})
}

func TestOnlyWhatIsOpenStaysInTheSpool(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		verdicts := []Verdict{{State: Accepted, Copies: 2}, {State: Open, Code: loop.CodeUnavailable}, {State: Refused, Code: loop.CodeMalformed}}
		partly := answering(once(verdicts), fails(errDown))
		r, err := with(t, spoolIn(t, dir, 1<<20), partly).Send(t.Context(), signals(3)...)
		if err == nil || r.Results[0].Spooled || !r.Results[1].Spooled || r.Results[2].Spooled {
			t.Fatalf("%+v %v", r, err)
		}
		up := answering(accepts)
		if r, err := with(t, spoolIn(t, dir, 1<<20), up).Drain(t.Context()); err != nil || len(r.Results) != 1 || r.Results[0].ID != "id-1" {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestAFullSpoolIsSaidAndTheSignalsAreSentAllTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	body, err := loop.Marshal(signals(1)[0])
	if err != nil {
		t.Fatal(err)
	}
	one := int64(len(body) + 1)
	synctest.Test(t, func(t *testing.T) {
		s := spoolIn(t, dir, one)
		if r, err := with(t, s, answering(fails(errDown))).Send(t.Context(), signals(1)...); err == nil || !r.Results[0].Spooled {
			t.Fatalf("%+v %v", r, err)
		}
		up := answering(accepts)
		c := with(t, s, up)
		if r, err := c.Send(t.Context(), signals(1)...); !errors.Is(err, ErrSpoolFull) || r.Count(Accepted) != 1 {
			t.Errorf("%+v %v", r, err)
		}
		if r, err := with(t, s, answering(fails(errDown))).Send(t.Context(), signals(1)...); !errors.Is(err, ErrSpoolFull) || r.Results[0].Spooled {
			t.Errorf("said to be kept: %+v %v", r, err)
		}
		if _, err := c.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 3 { // what is accepted makes room
			if _, err := c.Send(t.Context(), signals(1)...); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestADamagedFileIsKeptForAPersonAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		if _, err := with(t, spoolIn(t, dir, 1<<20), answering(fails(errDown))).Send(t.Context(), signals(2)...); err == nil {
			t.Fatal("sent")
		}
		for name, text := range map[string]string{"0-torn.jsonl": `{"id":"a","source"`, "1-empty.jsonl": "", "9-x.jsonl.tmp": `{"id":"b"}`} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		up := answering(accepts)
		r, err := with(t, spoolIn(t, dir, 1<<20), up).Drain(t.Context())
		if r.Count(Accepted) != 2 || len(up.requests()) != 1 {
			t.Errorf("%+v", r)
		}
		if err == nil || !strings.Contains(err.Error(), "0-torn.damaged") || !strings.Contains(err.Error(), "1-empty.damaged") {
			t.Errorf("said %v", err)
		}
		if left := files(t, dir); !slices.Equal(left, []string{"0-torn.damaged", "1-empty.damaged", "9-x.jsonl.tmp"}) {
			t.Errorf("left: %v", left)
		}
	})
}

func TestDrainBeginsWithTheOldestAndEndsWhereSomethingStaysOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := spoolIn(t, dir, 1<<20)
		c := with(t, s, answering(fails(errDown)))
		for _, one := range signals(3) {
			if _, err := c.Send(t.Context(), one); err == nil {
				t.Fatal("sent")
			}
		}
		flaky := answering(accepts, fails(errDown))
		r, err := with(t, s, flaky).Drain(t.Context())
		if err == nil || r.Count(Accepted) != 1 || r.Results[0].ID != "id-0" || !r.Results[1].Spooled || len(files(t, dir)) != 2 {
			t.Errorf("%+v %v, %v left", r, err, files(t, dir))
		}
	})
}

func TestASpoolOfNoSizeIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := OpenSpool(t.TempDir(), 0); err == nil {
		t.Error("opened")
	}
}

// TestMain lets the test binary be the producer that TestAProducerKilledWhileItSendsLosesNothing kills.
func TestMain(m *testing.M) {
	dir, url := os.Getenv("SPOOL_DIR"), os.Getenv("SPOOL_URL")
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := OpenSpool(dir, 1<<20)
	if err != nil {
		panic(err)
	}
	c, err := New(Config{Endpoints: []Endpoint{{Region: "r1", URL: url}}, Spool: s})
	if err != nil {
		panic(err)
	}
	_, _ = c.Send(context.Background(), signals(5)...)
}

func TestAProducerKilledWhileItSendsLosesNothing(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 1), make(chan struct{})
	never := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
	}))
	defer never.Close()
	defer close(release)
	dir := t.TempDir()
	producer := exec.CommandContext(t.Context(), os.Args[0])
	producer.Env = append(os.Environ(), "SPOOL_DIR="+dir, "SPOOL_URL="+never.URL)
	if err := producer.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := producer.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = producer.Wait() // killed
	up := answering(accepts)
	r, err := with(t, spoolIn(t, dir, 1<<20), up).Drain(t.Context())
	if err != nil || r.Count(Accepted) != 5 {
		t.Errorf("%+v %v", r, err)
	}
}
