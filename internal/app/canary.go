package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/canary"
	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

// Canary sends synthetic signals by its region's own ways in.
func Canary(ctx context.Context, env Environment) (ScheduleHandler, error) {
	b, err := start(ctx, env, loop.FuncCanary)
	if err != nil {
		return nil, err
	}
	key, err := canary.NewKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	s := &canary.Sender{
		Region: b.Region, Kinds: loop.Canaries(b.Config.Inputs), Queue: b.queues, Key: key, Now: time.Now,
		Board: dynamo.NewDocuments(b.tables, b.Config.Prefix, time.Now),
		HTTP: poster{
			url: strings.TrimRight(b.Endpoint, "/") + loop.CanaryPath, region: b.Region,
			signer: client.SigV4{Credentials: b.aws.Credentials, Now: time.Now}, http: &http.Client{Timeout: postTimeout, CheckRedirect: stay, Transport: anew()},
		},
	}
	return func(ctx context.Context) error {
		ctx, end := b.telemetry.StartBatch(ctx, nil)
		defer end()
		return s.Run(ctx)
	}, nil
}

// postTimeout is what a canary is waited for: two of them and the half minute between are less than a minute.
const postTimeout = 5 * time.Second

// poster posts canaries as a producer with AWS credentials does.
type poster struct {
	url, region string
	signer      client.Signer
	http        *http.Client
}

var _ canary.Poster = poster{}

// stay follows nobody: a canary that came through somewhere else would prove nothing.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// anew connects for every canary, as a producer does that has just started. A connection that was kept while Lambda let the
// process stand still is closed at its other end, and a POST that finds that out is not sent again by net/http.
// https://pkg.go.dev/net/http#Transport
func anew() *http.Transport {
	return &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
}

// Post implements canary.Poster.
func (p poster) Post(ctx context.Context, event []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(event))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", ingest.MediaEvent)
	if err := p.signer.Sign(ctx, req, p.region, event); err != nil {
		return err
	}
	res, err := p.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(res.Body, 512)) // why it was refused, for the log
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("answered %s: %s", res.Status, said)
	}
	return nil
}
