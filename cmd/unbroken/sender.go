package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"example.com/unbroken/client"
)

// sendFlags are what send and replay have in common: where to, and how stubbornly.
type sendFlags struct {
	Input      string        `default:"default" help:"The input to send to."`
	Hedge      bool          `help:"Ask a second region when the first is slow; at once when it fails. The same ids go to both, so it is safe."`
	HedgeAfter time.Duration `default:"100ms" help:"How long to wait for the first region before asking the second."`
	Via        string        `enum:"http,sqs" default:"http" help:"http: the API. sqs: the inbox queue, accepted when ingest takes it."`
	Timeout    time.Duration `default:"30s" help:"How long to keep trying to get a batch accepted."`
}

// client makes the client that the flags describe.
func (f *sendFlags) client(ctx context.Context, g *globals, w *world, r *reach, c client.Config) (*client.Client, error) {
	regions := g.regions(r.cfg)
	switch {
	case f.Hedge && g.Region != "":
		return nil, fail(exitUsage, errors.New("--hedge takes a second region and --region allows one: give one of them"))
	case f.Hedge && len(regions) < 2:
		return nil, fail(exitUsage, errors.New("--hedge takes a second region and loop.yaml has one"))
	case f.Timeout <= 0 || f.HedgeAfter <= 0:
		return nil, fail(exitUsage, errors.New("--timeout and --hedge-after must be positive"))
	}
	if f.Via == "sqs" {
		for _, region := range regions {
			c.Endpoints = append(c.Endpoints, client.Endpoint{Region: region, Via: inbox{r.Queues, region}})
		}
	} else {
		if err := r.signed(ctx); err != nil {
			return nil, err
		}
		urls, err := r.anyEndpoint(ctx, g.Endpoint, regions)
		if err != nil {
			return nil, err
		}
		for _, region := range regions {
			if url, ok := urls[region]; ok {
				c.Endpoints = append(c.Endpoints, client.Endpoint{Region: region, URL: url})
			}
		}
		if f.Hedge && len(c.Endpoints) < 2 {
			_, _ = fmt.Fprintf(w.Stderr, "only %s is known to answer: nothing to hedge to\n", c.Endpoints[0].Region)
		}
	}
	c.Input, c.Hedge, c.HedgeAfter, c.Timeout = f.Input, f.Hedge, f.HedgeAfter, f.Timeout
	c.Sign, c.HTTP, c.Now = r.sign, w.HTTP, w.Now
	return client.New(c)
}

// tooOld explains a refusal that every replay of old events meets once.
func tooOld(results []client.Result, input string) string {
	for _, r := range results {
		if r.Code == "time_out_of_range" {
			return fmt.Sprintf("input %q refuses times this far from now: send to an input with `max_skew: none`", input)
		}
	}
	return ""
}

// totals is one line about a report.
func totals(r client.Report, via string) string {
	regions := map[string]bool{}
	var names []string
	for _, one := range r.Results {
		if one.Region != "" && !regions[one.Region] {
			regions[one.Region] = true
			names = append(names, one.Region)
		}
	}
	verb := "accepted"
	if via == "sqs" {
		verb = "queued"
	}
	s := fmt.Sprintf("%d of %d %s", r.Count(client.Accepted), len(r.Results), verb)
	if len(names) > 0 {
		s += " in " + strings.Join(names, ", ")
	}
	if n := r.Count(client.Refused); n > 0 {
		s += fmt.Sprintf(", %d refused", n)
	}
	if n := r.Count(client.Open); n > 0 {
		s += fmt.Sprintf(", %d not stored", n)
	}
	s += "; " + plural(r.Requests, "request")
	if r.Hedged > 0 {
		s += fmt.Sprintf(", %d of them hedges", r.Hedged)
	}
	return s
}
