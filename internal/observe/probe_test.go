package observe_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/observe"
)

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func prober(f transport) observe.HTTPProber {
	return observe.HTTPProber{Client: &http.Client{Transport: f}, Timeout: 3 * time.Second, Now: time.Now}
}

func answers(status int, header http.Header, body io.Reader) transport {
	return func(r *http.Request) (*http.Response, error) {
		if header == nil {
			header = http.Header{}
		}
		return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: header, Body: io.NopCloser(body), Request: r}, nil
	}
}

func TestOnlyTheLoopsOwnAnswersCount(t *testing.T) {
	t.Parallel()
	for status, answered := range map[int]bool{
		200: true,
		503: true, // a drained region says so itself
		429: true, // a flood of anonymous checks must not drain the region
		204: false, 301: false, 302: false, 307: false, 400: false, 403: false, 404: false, 500: false, 502: false, 504: false,
	} {
		elsewhere := http.Header{"Location": {"https://a-region-that-is-well/v1/health"}}
		asked := 0
		p := prober(func(r *http.Request) (*http.Response, error) {
			asked++
			if r.URL.Host == "a-region-that-is-well" {
				return answers(http.StatusOK, nil, strings.NewReader(""))(r)
			}
			return answers(status, elsewhere, strings.NewReader(""))(r)
		})
		if _, err := p.Probe(t.Context(), "https://east/v1/health"); (err == nil) != answered || asked != 1 {
			t.Errorf("%d: %v after %d requests", status, err, asked)
		}
	}
}

// A heartbeat service says in its own way that it has heard; one that is down has not.
func TestAHeartbeatIsHeardByAny2xx(t *testing.T) {
	t.Parallel()
	for status, heard := range map[int]bool{
		200: true, 201: true, 202: true, 204: true, 299: true,
		300: false, 302: false, 400: false, 404: false, 429: false, 500: false, 503: false,
	} {
		asked := 0
		p := prober(func(r *http.Request) (*http.Response, error) {
			asked++
			return answers(status, http.Header{"Location": {"https://heartbeat/elsewhere"}}, strings.NewReader(""))(r)
		})
		if err := p.Beat(t.Context(), "https://heartbeat/loop-5f1c"); (err == nil) != heard || asked != 1 {
			t.Errorf("%d: %v after %d requests", status, err, asked)
		} else if err != nil && (strings.Contains(err.Error(), "5f1c") || !strings.Contains(err.Error(), strconv.Itoa(status))) {
			t.Errorf("%d: the error says %q", status, err)
		}
	}
}

func TestAProbeIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := prober(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		start := time.Now()
		_, err := p.Probe(t.Context(), "https://east/v1/health")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != p.Timeout {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestAProbeTellsHowLongItTook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := prober(func(r *http.Request) (*http.Response, error) {
			time.Sleep(250 * time.Millisecond) // the bubble's clock
			return answers(http.StatusOK, nil, strings.NewReader("{}"))(r)
		})
		if took, err := p.Probe(t.Context(), "https://east/v1/health"); err != nil || took != 250*time.Millisecond {
			t.Errorf("%s, %v", took, err)
		}
	})
}

// endless is a body that never ends; it counts what was read of it.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	e.read += len(b)
	return len(b), nil
}

func TestAnEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	var body endless
	if _, err := prober(answers(http.StatusOK, nil, &body)).Probe(t.Context(), "https://east/v1/health"); err != nil {
		t.Fatal(err)
	}
	if body.read > 16<<10 {
		t.Errorf("%d bytes were read", body.read)
	}
}

func TestAnEndpointThatIsNoURLIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := prober(nil).Probe(t.Context(), "https://east\x00/"); err == nil {
		t.Error("probed it")
	}
}
