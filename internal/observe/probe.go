package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// HTTPProber probes over HTTP with a bound on time and answer.
type HTTPProber struct {
	Client  *http.Client
	Timeout time.Duration
	Now     func() time.Time
}

var _ Prober = HTTPProber{}

// Probe asks the endpoint. 503 is an answer: a drained region says so itself, and an observer that counted it as an
// objection would hold every region down that was ever drained. So is 429: the region limits who asks it, and a flood of
// checks, which anyone may send, must not drain it.
func (p HTTPProber) Probe(ctx context.Context, endpoint string) (time.Duration, error) {
	status, took, err := p.get(ctx, endpoint)
	switch {
	case err != nil:
		return 0, fmt.Errorf("probe: %w", err)
	case status != http.StatusOK && status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests:
		return 0, fmt.Errorf("probe: answered %d", status)
	}
	return took, nil
}

// Beat calls a heartbeat service. Each says in its own way that it has heard, and one that is down has not.
func (p HTTPProber) Beat(ctx context.Context, url string) error {
	status, _, err := p.get(ctx, url)
	switch {
	case err != nil:
		return fmt.Errorf("heartbeat: %w", err)
	case status < 200 || status > 299:
		return fmt.Errorf("heartbeat: answered %d", status)
	}
	return nil
}

// get tells how a URL answers, and after how long. Its errors do not hold the URL: that of a heartbeat is all that it takes
// to send one.
func (p HTTPProber) get(ctx context.Context, endpoint string) (status int, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return 0, 0, errors.New("the URL cannot be asked")
	}
	start := p.Now()
	client := *p.Client
	// Health never redirects: what does is not the loop, and where it leads may be a region that is well.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		if asked, ok := errors.AsType[*url.Error](err); ok {
			err = asked.Err
		}
		return 0, 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096)) // lets the connection be used again
	return resp.StatusCode, p.Now().Sub(start), nil
}
