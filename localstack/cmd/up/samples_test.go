package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/events"
	"example.com/unbroken/localstack/local"
	"example.com/unbroken/localstack/receiver"
)

// A second run's samples must not be taken for a repetition of the first one's.
func TestSamplesAreNewInEveryRun(t *testing.T) {
	t.Parallel()
	one, err := readSamples("1")
	if err != nil {
		t.Fatal(err)
	}
	two, err := readSamples("2")
	if err != nil {
		t.Fatal(err)
	}
	files, err := events.FS.ReadDir("examples")
	if err != nil || len(one) != len(files) || len(one) == 0 {
		t.Fatalf("%d samples of %d files, %v", len(one), len(files), err)
	}
	for i, s := range one {
		var e map[string]any
		if err := json.Unmarshal(s.event, &e); err != nil {
			t.Fatal(err)
		}
		if e["id"] != s.id || e["source"] != s.source || !strings.HasSuffix(s.id, "-1") || s.id == two[i].id {
			t.Errorf("%s: %s of %s, then %s", s.event, s.id, s.source, two[i].id)
		}
		if _, timed := e["time"]; timed {
			t.Errorf("%s has a time, which would be out of range one day", s.name)
		}
		if i > 0 && s.name <= one[i-1].name {
			t.Errorf("%s after %s", s.name, one[i-1].name)
		}
	}
}

// program puts a script in the place of bin/unbroken.
func program(t *testing.T, script string) *local.Site {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin", "unbroken"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return &local.Site{Dir: dir, EdgeURL: "http://edge"}
}

func TestTheCommandLineIsRunAgainstTheLocalWorld(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	site := program(t, `echo "$AWS_ENDPOINT_URL $*"; cat`)
	if err := unbroken(t.Context(), site, flags{Loop: "l.yaml"}, []byte("event"), &out, "send", "-"); err != nil {
		t.Fatal(err)
	}
	if out.String() != "http://edge --config l.yaml send -\nevent" {
		t.Errorf("%q", out.String())
	}
}

func TestACommandThatFailsSaysWhichAndWhy(t *testing.T) {
	t.Parallel()
	err := unbroken(t.Context(), program(t, "echo no region answers >&2; exit 4"), flags{Loop: "l.yaml"}, nil, &bytes.Buffer{}, "status")
	if err == nil || !strings.Contains(err.Error(), "unbroken --config l.yaml status") || !strings.Contains(err.Error(), "no region answers") {
		t.Errorf("%v", err)
	}
}

func TestUntilAsksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		err := until(t.Context(), func() error {
			if asked++; asked < 5 {
				return errors.New("not yet")
			}
			return nil
		})
		if err != nil || asked != 5 {
			t.Errorf("%v after %d", err, asked)
		}
	})
}

func TestUntilGivesUpWithTheLastReason(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start, why := time.Now(), errors.New("not yet")
		if err := until(ctx, func() error { return why }); !errors.Is(err, why) || time.Since(start) != time.Minute {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

// deliveredBy is a receiver that got the webhooks given, each signed or not, and a time that ends while it is asked for them
// again.
func deliveredBy(t *testing.T, bodies ...string) (context.Context, *local.Site) {
	t.Helper()
	r, err := receiver.New(receiver.Options{Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	ctx, over := context.WithCancel(t.Context())
	t.Cleanup(over)
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet && asked.Add(1) > 1 {
			over()
		}
		r.ServeHTTP(w, req)
	}))
	t.Cleanup(s.Close)
	for _, body := range bodies {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/hook", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	return ctx, &local.Site{ReceiverURL: s.URL}
}

func TestSamplesHaveNotLandedWithoutTheirWebhooks(t *testing.T) {
	t.Parallel()
	ctx, site := deliveredBy(t)
	if _, err := landed(ctx, site, 0, 2); err == nil || !strings.Contains(err.Error(), "0 of 2") {
		t.Errorf("%v", err)
	}
}

func TestAWebhookWithoutASignatureHasNotLanded(t *testing.T) {
	t.Parallel()
	ctx, site := deliveredBy(t, "{}")
	if _, err := landed(ctx, site, 0, 1); err == nil || !strings.Contains(err.Error(), "signature") {
		t.Errorf("%v", err)
	}
}
