package observe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// HTTPProber probes over HTTP with a bound on time and answer.
type HTTPProber struct {
	Client  *http.Client
	Timeout time.Duration
	Now     func() time.Time
}

var _ Prober = HTTPProber{}

// Probe asks url. 503 is an answer: a drained region says so itself, and an observer that counted it as an
// objection would hold every region down that was ever drained.
func (p HTTPProber) Probe(ctx context.Context, url string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, fmt.Errorf("probe %s: %w", url, err)
	}
	start := p.Now()
	client := *p.Client
	// Health never redirects: what does is not the loop, and where it leads may be a region that is well.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("probe: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096)) // lets the connection be used again
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
		return 0, fmt.Errorf("probe %s: answered %s", url, resp.Status)
	}
	return p.Now().Sub(start), nil
}
