// Package observe is the observer: once a minute, in every loop region and the witness region, it looks at every
// loop region from outside and writes what it thinks of it, with the evidence. One observer may die, be silent or
// lie: it has one voice, and missing data is no voice at all.
//
// The package knows no AWS: documents, queues, metrics and probes are interfaces declared here.
package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

// Documents are the small JSON items of the `outputs` table in any loop region.
type Documents interface {
	// Put writes doc into the table of region; keep is its time to live, 0 for ever.
	Put(ctx context.Context, region, pk, sk string, doc any, keep time.Duration) error
	// Query reads all items of pk from the table of region, by sort key.
	Query(ctx context.Context, region, pk string) (map[string]json.RawMessage, error)
}

// Depths tells how full a queue is.
type Depths interface {
	Depth(ctx context.Context, region, queue string) (visible, inFlight, delayed int, err error)
}

// Prober asks an endpoint whether it answers at all. A refusal because the region is drained is an answer.
type Prober interface {
	Probe(ctx context.Context, url string) (time.Duration, error)
}

// Gauge publishes one number per loop region in the observer's own region: 1 not objecting, 0 objecting.
type Gauge interface {
	Publish(ctx context.Context, observer string, verdicts map[string]float64) error
}

// State of one check.
type State string

// States. Unknown pages, it never votes.
const (
	OK      State = "ok"
	Bad     State = "bad"
	Unknown State = "unknown"
)

// Check is one piece of evidence.
type Check struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Value  string `json:"value,omitempty"`
	Votes  bool   `json:"votes"` // whether Bad is an objection to the region; otherwise it only pages
	Detail string `json:"detail,omitempty"`
}

// Verdict is one observer's view of one region.
type Verdict struct {
	Region   string    `json:"region"`
	Observer string    `json:"observer"`
	At       time.Time `json:"at"`
	Healthy  bool      `json:"healthy"` // no voting check is bad
	Checks   []Check   `json:"checks"`
}

// Endpoint is where a region answers. Each region's observer announces its own in all tables, so that the
// survivors still know it when the region is gone.
type Endpoint struct {
	URL string    `json:"url"`
	At  time.Time `json:"at"`
}

// Keys of the documents (DESIGN section 8).
func VerdictKey(region string) string  { return "verdict#" + region }
func StateKey(region string) string    { return "state#" + region }
func EndpointKey(region string) string { return "endpoint#" + region }

// EndpointSort is the sort key of an endpoint.
const EndpointSort = "v"

// keepVerdict is how long a silent observer's last word can be looked at; it counts for FreshFor only.
const keepVerdict = 7 * 24 * time.Hour

// FreshFor is how long a verdict counts.
const FreshFor = 150 * time.Second

// Observer looks at all loop regions from one region.
type Observer struct {
	Region   string // where it runs, and its name
	Loop     []string
	Endpoint string // of this region; "" in the witness region
	Docs     Documents
	Depths   Depths
	Prober   Prober
	Gauge    Gauge
	Now      func() time.Time
}

// Run looks once and returns the verdicts. What could not be written to one region is joined into the error; the
// other regions have it all the same.
func (o *Observer) Run(ctx context.Context) (map[string]Verdict, error) {
	var errs []error
	if o.Endpoint != "" {
		errs = append(errs, o.everywhere(ctx, EndpointKey(o.Region), EndpointSort, Endpoint{URL: o.Endpoint, At: o.Now().UTC()}, 0))
	}
	found := make([]Verdict, len(o.Loop))
	var eg errgroup.Group
	for i, region := range o.Loop {
		eg.Go(func() error {
			found[i] = o.look(ctx, region)
			return nil
		})
	}
	_ = eg.Wait() // a look never fails: what it cannot see is Unknown
	verdicts, gauge := map[string]Verdict{}, map[string]float64{}
	for _, v := range found {
		verdicts[v.Region], gauge[v.Region] = v, 0
		if v.Healthy {
			gauge[v.Region] = 1
		}
		errs = append(errs, o.everywhere(ctx, VerdictKey(v.Region), o.Region, v, keepVerdict))
	}
	if err := o.Gauge.Publish(ctx, o.Region, gauge); err != nil {
		errs = append(errs, fmt.Errorf("publish verdicts: %w", err))
	}
	return verdicts, errors.Join(errs...)
}

// everywhere writes a document into every loop region's own table, at once: replication may be what failed.
func (o *Observer) everywhere(ctx context.Context, pk, sk string, doc any, keep time.Duration) error {
	errs := make([]error, len(o.Loop))
	var eg errgroup.Group
	for i, region := range o.Loop {
		eg.Go(func() error {
			if err := o.Docs.Put(ctx, region, pk, sk, doc, keep); err != nil {
				errs[i] = fmt.Errorf("write %s to %s: %w", pk, region, err)
			}
			return nil
		})
	}
	_ = eg.Wait()
	return errors.Join(errs...)
}

func (o *Observer) look(ctx context.Context, region string) Verdict {
	v := Verdict{Region: region, Observer: o.Region, Healthy: true}
	v.Checks = append(v.Checks, o.endpoint(ctx, region))
	for _, q := range loop.Queues() {
		v.Checks = append(v.Checks, o.deadLetters(ctx, region, q))
	}
	for _, c := range v.Checks {
		if c.Votes && c.State == Bad {
			v.Healthy = false
		}
	}
	v.At = o.Now().UTC()
	return v
}
