// Package observe is the observer: once a minute, in every loop region and the witness region, it looks at every
// loop region from outside and writes what it thinks of it, with the evidence. One observer may die, be silent or
// lie: it has one voice, and missing data is no voice at all. When a flip of a region's
// state is due by package region, every observer that sees so writes it.
//
// Its checks of a region, and what a bad one does. Bounds are those of `health` in loop.yaml.
//
//	check               looks at                                                bad                           does
//	endpoint            GET /v1/health, from here                               no answer of 200, 429 or 503  votes
//	canary              the newest receipt of each kind, in any table           one older than receipt_age    votes
//	{queue}-dlq         GetQueueAttributes: messages                            more than dead_letters        pages
//	{queue}-age         CloudWatch: the age of the oldest message               more than queue_age           pages
//	{queue}-growth      CloudWatch: messages waiting, now and 10 min ago        more than queue_growth        pages
//	{queue}-failing     CloudWatch: received and not deleted, of all received   error_ratio, and 3 or more    pages
//	{function}-throttles CloudWatch: throttled, of all invocations              throttle_ratio, and 3 or more pages
//	any                 no answer, no data                                      unknown                       pages
//
// A canary that never came is no data (docs/decisions/0009): the region's own health refuses until it has.
//
// What votes says that the region does not do its work, whatever the reason. What pages says that something is wrong,
// and leaving the region may not help, or harm: a target that is down or a flood follows the signals to the peer. The
// queues are `signals` and `actions`, the dead letters all. CloudWatch is read every five minutes, by one observer at a
// time (metrics.go): the region's own alarms look at the same every minute, and observers are there for when those are
// gone with their region.
//
// The package knows no AWS: documents, queues, metrics and probes are interfaces declared here.
package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
)

// Documents are the small JSON items of the `outputs` table in any loop region.
type Documents interface {
	// Put writes doc into the table of region; keep is its time to live, 0 for ever.
	Put(ctx context.Context, region, pk, sk string, doc any, keep time.Duration) error
	// Query reads all items of pk from the table of region, by sort key; nil for one that cannot be read.
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

// Gauge publishes in the observer's own region.
type Gauge interface {
	Publish(ctx context.Context, r Reading) error
}

// Reading is what a run found, in numbers.
type Reading struct {
	Verdicts map[string]float64 // by loop region: 1 not objecting, 0 objecting
	Silent   int                // of the other observers
	Found    int                // checks that page: bad ones that do not vote, and unknown ones
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

	At    time.Time `json:"at,omitzero"`    // of the look, where it is not that of the verdict
	Since time.Time `json:"since,omitzero"` // since when it has been in this State, without a gap
}

// Verdict is one observer's view of one region.
type Verdict struct {
	Region   string    `json:"region"`
	Observer string    `json:"observer"`
	At       time.Time `json:"at"`
	Healthy  bool      `json:"healthy"` // no voting check is bad
	Since    time.Time `json:"since"`   // since when it has been Healthy, or not, without a gap
	Checks   []Check   `json:"checks"`
}

// Endpoint is where a region answers. Each region's observer announces its own in all tables, so that the
// survivors still know it when the region is gone.
type Endpoint struct {
	URL string    `json:"url"`
	At  time.Time `json:"at"`
}

// EndpointKey is where a region's endpoint stands.
func EndpointKey(region string) string { return "endpoint#" + region }

// EndpointSort is the sort key of an endpoint.
const EndpointSort = "v"

// keepVerdict is how long a silent observer's last word can be looked at; it counts for FreshFor only.
const keepVerdict = 7 * 24 * time.Hour

// patience bounds every single question and every single write. A region that swallows packets answers nothing at
// all, and the SDK would wait for it longer than a run may take: the regions that are well would get no verdict
// because one is ill. All of a run's steps together stay below its function's timeout.
const patience = 3 * time.Second

// Observer looks at all loop regions from one region.
type Observer struct {
	Region   string // where it runs, and its name
	Loop     []string
	All      []string // every region that has an observer
	Operator bool     // only operators drain: observers tell, and write no state
	Endpoint string   // of this region; "" in the witness region
	Docs     Documents
	Depths   Depths
	Prober   Prober
	Metrics  Metrics
	Gauge    Gauge
	Teller   *Teller // nil where no rule hears
	Bounds   loop.Bounds
	Canaries []string // the kinds of canaries that every loop region sends
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
	for i, name := range o.Loop {
		eg.Go(func() error {
			found[i] = o.look(ctx, name)
			return nil
		})
	}
	_ = eg.Wait() // a look never fails: what it cannot see is Unknown
	// What others say is read after that was written: of two that look at the same time, one at least sees the other's
	// verdict, so that a flip does not wait for the next minute, and the last for whom something recovers knows that it is.
	errs = append(errs, o.say(ctx, found)...)
	views, said, err := o.views(ctx)
	verdicts, read := map[string]Verdict{}, Reading{Verdicts: map[string]float64{}, Silent: o.silent(views)}
	for _, v := range found {
		verdicts[v.Region] = v
		read.add(v)
	}
	var published error
	eg.Go(func() error {
		published = o.publish(ctx, read)
		return nil
	})
	states, failed := o.judge(ctx, views, found)
	told := o.tell(ctx, found, states, views, said)
	_ = eg.Wait() // keeps its error itself
	return verdicts, errors.Join(append(errs, errors.Join(failed...), err, published, told)...)
}

func (r *Reading) add(v Verdict) {
	r.Verdicts[v.Region] = 0
	if v.Healthy {
		r.Verdicts[v.Region] = 1
	}
	for _, c := range v.Checks {
		if c.State == Unknown || c.State == Bad && !c.Votes {
			r.Found++
		}
	}
}

// say writes the verdicts, all at once: none waits for a region that does not answer.
func (o *Observer) say(ctx context.Context, verdicts []Verdict) []error {
	errs := make([]error, len(verdicts))
	var eg errgroup.Group
	for i, v := range verdicts {
		eg.Go(func() error {
			errs[i] = o.everywhere(ctx, region.VerdictKey(v.Region), o.Region, v, keepVerdict)
			return nil
		})
	}
	_ = eg.Wait() // each keeps its error in its own slot
	return errs
}

func (o *Observer) publish(ctx context.Context, read Reading) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := o.Gauge.Publish(ctx, read); err != nil {
		return fmt.Errorf("publish verdicts: %w", err)
	}
	return nil
}

// everywhere writes a document into every loop region's own table, at once: replication may be what failed.
func (o *Observer) everywhere(ctx context.Context, pk, sk string, doc any, keep time.Duration) error {
	errs := make([]error, len(o.Loop))
	var eg errgroup.Group
	for i, region := range o.Loop {
		eg.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			if err := o.Docs.Put(ctx, region, pk, sk, doc, keep); err != nil {
				errs[i] = fmt.Errorf("write %s to %s: %w", pk, region, err)
			}
			return nil
		})
	}
	_ = eg.Wait()
	return errors.Join(errs...)
}

// look makes all checks of a region at once, and puts them beside those of the last look.
func (o *Observer) look(ctx context.Context, name string) Verdict {
	checks := make([]Check, 2+len(loop.Queues()))
	var before Verdict
	var measured []Check
	var eg errgroup.Group
	eg.Go(func() error {
		checks[0] = o.endpoint(ctx, name)
		return nil
	})
	eg.Go(func() error {
		checks[1] = o.canary(ctx, name)
		return nil
	})
	for i, q := range loop.Queues() {
		eg.Go(func() error {
			checks[2+i] = o.deadLetters(ctx, name, q)
			return nil
		})
	}
	eg.Go(func() error {
		before = o.before(ctx, name)
		measured = o.metrics(ctx, name, before)
		return nil
	})
	_ = eg.Wait() // a check never fails: what it cannot see is Unknown
	checks = append(checks, measured...)
	return Verdict{Region: name, Observer: o.Region, At: o.Now().UTC(), Healthy: !objects(checks), Checks: checks}.after(before)
}

// objects says whether a voting check is bad. Unknown has no voice.
func objects(checks []Check) bool {
	return slices.ContainsFunc(checks, func(c Check) bool { return c.Votes && c.State == Bad })
}
