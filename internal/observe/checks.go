package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
)

// endpoint asks the region's own hostname whether it answers.
func (o *Observer) endpoint(ctx context.Context, region string) Check {
	c := Check{Name: "endpoint", Votes: true}
	url, err := o.find(ctx, region)
	if err != nil {
		c.State, c.Detail = Unknown, err.Error()
		return c
	}
	took, err := o.Prober.Probe(ctx, url+"/v1/health")
	if err != nil {
		c.State, c.Detail = Bad, err.Error()
		return c
	}
	c.State, c.Value = OK, took.Round(time.Millisecond).String()
	return c
}

// find looks the endpoint up in the nearest table that answers: the own region's, where it has one, first.
func (o *Observer) find(ctx context.Context, region string) (string, error) {
	if region == o.Region && o.Endpoint != "" {
		return strings.TrimRight(o.Endpoint, "/"), nil
	}
	var last error
	for _, table := range nearest(o.Region, o.Loop) {
		url, err := o.announced(ctx, table, region)
		if err == nil {
			return url, nil
		}
		last = err
	}
	return "", last
}

func (o *Observer) announced(ctx context.Context, table, region string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	docs, err := o.Docs.Query(ctx, table, EndpointKey(region))
	if err != nil {
		return "", err
	}
	raw, ok := docs[EndpointSort]
	if !ok {
		return "", fmt.Errorf("%s has not announced its endpoint in %s: %w", region, table, loop.ErrNotFound)
	}
	var e Endpoint
	// An announcement without a URL is missing data; to probe it would be an objection to the region.
	if err := json.Unmarshal(raw, &e); err != nil || e.URL == "" {
		return "", fmt.Errorf("the endpoint of %s in %s cannot be read: its observer announces it anew within a minute", region, table)
	}
	return strings.TrimRight(e.URL, "/"), nil
}

// nearest puts the own region before the others.
func nearest(own string, regions []string) []string {
	out := make([]string, 0, len(regions))
	for _, r := range regions {
		if r == own {
			out = append([]string{r}, out...)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// canary asks how long ago a canary of each kind came through the region's chain, by its own way in: the one that was heard
// of longest ago counts. It is the measure of progress: a chain may stand still although its queues look young, for a
// message that is received again and again hides from their age.
func (o *Observer) canary(ctx context.Context, name string) Check {
	c := Check{Name: "canary", Votes: true}
	newest, err := o.receipts(ctx, name)
	var oldest *loop.Receipt
	for _, kind := range o.Canaries {
		one, ok := newest[kind]
		switch {
		case !ok:
			err = errors.Join(err, fmt.Errorf("no %s canary of %s has come through yet: %w", kind, name, loop.ErrNotFound))
		case oldest == nil || one.LandedAt.Before(oldest.LandedAt):
			oldest = &one
		}
	}
	if oldest != nil {
		age, took := o.Now().Sub(oldest.LandedAt), oldest.LandedAt.Sub(oldest.SentAt)
		c.say(age > o.Bounds.ReceiptAge.Std(), oldest.Input+" "+age.Round(time.Second).String()+" ago, took "+took.Round(time.Millisecond).String(),
			"no "+oldest.Input+" canary came through for longer than "+o.Bounds.ReceiptAge.String())
	}
	// What is not there has no voice; what is there, and overdue, has one all the same.
	if len(newest) < len(o.Canaries) && c.State != Bad {
		c.State, c.Detail = Unknown, err.Error()
	}
	return c
}

// receipts are the newest ones of each kind that any table has: the region's own may be out of reach. One from the future is
// of a clock that is wrong; it would be the newest long after the chain has stopped. The error is of the tables that did not
// answer.
func (o *Observer) receipts(ctx context.Context, name string) (map[string]loop.Receipt, error) {
	found := make([]map[string]json.RawMessage, len(o.Loop))
	errs := make([]error, len(o.Loop))
	var eg errgroup.Group
	for i, table := range o.Loop {
		eg.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			found[i], errs[i] = o.Docs.Query(ctx, table, loop.ReceiptKey(name))
			return nil
		})
	}
	_ = eg.Wait() // each keeps its error in its own slot
	newest := map[string]loop.Receipt{}
	for _, docs := range found {
		for _, kind := range o.Canaries {
			var r loop.Receipt
			if json.Unmarshal(docs[kind], &r) == nil && r.LandedAt.After(newest[kind].LandedAt) && r.LandedAt.Sub(o.Now()) <= region.Fresh {
				r.Input = kind
				newest[kind] = r
			}
		}
	}
	return newest, errors.Join(errs...)
}

// deadLetters looks for messages that a person must see. They page; they are no reason to leave the region.
func (o *Observer) deadLetters(ctx context.Context, region, queue string) Check {
	name := loop.DeadLetter(queue)
	c := Check{Name: name}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	visible, inFlight, _, err := o.Depths.Depth(ctx, region, name)
	if err != nil {
		c.State, c.Detail = Unknown, err.Error()
		return c
	}
	c.say(visible+inFlight > o.Bounds.DeadLetters, strconv.Itoa(visible+inFlight), "messages wait for a person")
	return c
}
