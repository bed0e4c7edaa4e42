package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Client speaks to a running edge. The zero value speaks to the one at DefaultAddr.
type Client struct {
	URL  string       // http://127.0.0.1:4566
	HTTP *http.Client // http.DefaultClient if nil
}

// Health returns nil if the edge answers.
func (c *Client) Health(ctx context.Context) error {
	return c.do(ctx, http.MethodGet, "health", nil, nil)
}

// Calls returns how often each kind of call was made since the last reset.
func (c *Client) Calls(ctx context.Context) ([]Count, error) {
	var counts []Count
	err := c.do(ctx, http.MethodGet, "calls", nil, &counts)
	return counts, err
}

// ResetCalls starts counting from zero.
func (c *Client) ResetCalls(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, "calls", nil, nil)
}

// Faults returns what is set, in the order it was set.
func (c *Client) Faults(ctx context.Context) ([]Fault, error) {
	var faults []Fault
	err := c.do(ctx, http.MethodGet, "faults", nil, &faults)
	return faults, err
}

// Set sets a fault and returns it with its ID. One with the same ID is replaced.
func (c *Client) Set(ctx context.Context, f Fault) (Fault, error) {
	var set Fault
	err := c.do(ctx, http.MethodPut, "faults", f, &set)
	return set, err
}

// Lift removes the fault with this ID; Any removes all. One that is not set is fine.
func (c *Client) Lift(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, "faults?id="+url.QueryEscape(id), nil, nil)
}

// CutRegion makes a region dead: nothing reaches it, and its functions reach nothing.
func (c *Client) CutRegion(ctx context.Context, region string) error {
	if _, err := c.Set(ctx, Fault{ID: "cut-to-" + region, Region: region, Mode: Cut}); err != nil {
		return err
	}
	_, err := c.Set(ctx, Fault{ID: "cut-from-" + region, Caller: region, Mode: Cut})
	return err
}

// HealRegion undoes CutRegion and leaves other faults alone.
func (c *Client) HealRegion(ctx context.Context, region string) error {
	if err := c.Lift(ctx, "cut-from-"+region); err != nil {
		return err
	}
	return c.Lift(ctx, "cut-to-"+region)
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	base := c.URL
	if base == "" {
		base = "http://" + DefaultAddr
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("edge: %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(base, "/")+controlPrefix+path, body)
	if err != nil {
		return fmt.Errorf("edge: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("edge at %s does not answer (`make run` starts it): %w", base, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= 300 {
		var p problem
		_ = json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&p)
		return fmt.Errorf("edge: %s %s: %s: %s", method, path, res.Status, p.Detail)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("edge: %s %s: %w", method, path, err)
	}
	return nil
}
