package receiver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Client asks a running receiver. The zero value asks the one at DefaultAddr.
type Client struct {
	URL  string       // http://127.0.0.1:4580
	HTTP *http.Client // http.DefaultClient if nil
}

// Health returns nil if the receiver answers.
func (c *Client) Health(ctx context.Context) error {
	return c.do(ctx, http.MethodGet, "health", nil)
}

// Deliveries reports what came after since (0 for all; Report.Next to go on) under a path
// prefix ("" for any).
func (c *Client) Deliveries(ctx context.Context, since uint64, path string) (Report, error) {
	query := url.Values{"since": {strconv.FormatUint(since, 10)}, "path": {path}}
	var r Report
	err := c.do(ctx, http.MethodGet, "deliveries?"+query.Encode(), &r)
	return r, err
}

// Reset makes the receiver forget what it received.
func (c *Client) Reset(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, "deliveries", nil)
}

func (c *Client) do(ctx context.Context, method, path string, out any) error {
	base := c.URL
	if base == "" {
		base = "http://" + DefaultAddr
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(base, "/")+controlPrefix+path, nil)
	if err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("receiver at %s does not answer (`make run` starts it): %w", base, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= 300 {
		var p problem
		_ = json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&p)
		return fmt.Errorf("receiver: %s %s: %s: %s", method, path, res.Status, p.Detail)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("receiver: %s %s: %w", method, path, err)
	}
	return nil
}
