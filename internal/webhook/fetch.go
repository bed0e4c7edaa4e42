package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

// fetchTime bounds a read, from the dial to the last byte.
const fetchTime = 10 * time.Second

// Fetcher reads endpoints that inputs of kind poll name. What may be dialled, and what an answer may cost, is as for
// effects: an endpoint is somebody else's.
type Fetcher struct {
	secrets       Secrets
	secure, plain http.RoundTripper
}

var _ ingest.Fetcher = (*Fetcher)(nil)

// NewFetcher makes a Fetcher.
func NewFetcher(c Config) *Fetcher {
	return &Fetcher{secrets: c.Secrets, secure: transport(c.Dialer.dial(anyAllowed), c.RootCAs), plain: transport(c.Dialer.dial(listedOnly), c.RootCAs)}
}

// Fetch implements ingest.Fetcher. Its errors hold neither the URL nor what the endpoint said.
func (f *Fetcher) Fetch(ctx context.Context, url, secret string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil || req.URL.User != nil {
		return nil, errors.New("the URL cannot be asked")
	}
	req.Header.Set("Accept", "application/json")
	if secret != "" {
		key, err := f.secrets.Secret(ctx, secret)
		if err != nil {
			return nil, fmt.Errorf("secret %s: %w", secret, err)
		}
		req.Header.Set("Authorization", "Bearer "+string(key))
	}
	send := f.plain
	if req.URL.Scheme == "https" {
		send = f.secure
	}
	resp, err := send.RoundTrip(req)
	if err != nil {
		return nil, unread(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }() // what it said is read, or is not wanted
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the endpoint answers %d; only 200 is taken, and no redirect followed", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, loop.MaxBodyBytes+1))
	if err != nil {
		return nil, unread(ctx, err)
	}
	if len(body) > loop.MaxBodyBytes {
		return nil, fmt.Errorf("the endpoint says more than %d bytes", loop.MaxBodyBytes)
	}
	return body, nil
}

// unread names an error by its kind: its text may quote what the endpoint said.
func unread(ctx context.Context, err error) error {
	if blocked, ok := errors.AsType[*BlockedError](err); ok {
		return blocked
	}
	return fmt.Errorf("the endpoint was not read: %s", kind(ctx, err))
}
