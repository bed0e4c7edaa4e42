package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

type statusCmd struct{}

// Help implements kong.HelpProvider.
func (statusCmd) Help() string {
	return `Every question is bounded to 3 s and asked of all regions at once, so a dead region costs seconds and hides nothing of
the others. Below the tables stands what needs a person. Exits 4 if a region could not be reached.

  unbroken status
  unbroken status --region us-west-2 --json`
}

// status is the whole answer.
type status struct {
	At        time.Time      `json:"at"`
	Prefix    string         `json:"prefix"`
	Regions   []regionStatus `json:"regions"`
	Witness   *regionStatus  `json:"witness,omitempty"`
	States    []regionState  `json:"states"`
	Observers []observed     `json:"observers"`
	Inputs    []inputStatus  `json:"inputs,omitempty"` // those that are watched
	Kills     []loop.Kill    `json:"kills,omitempty"`  // kill switches that are on
	Attention []string       `json:"attention"`
}

// regionStatus is what one region says of itself.
type regionStatus struct {
	Region    string          `json:"region"`
	Reachable bool            `json:"reachable"` // its endpoint answered, or any of its services did
	Endpoint  *endpointStatus `json:"endpoint,omitempty"`
	Queues    []queueStatus   `json:"queues,omitempty"`
	Functions []funcStatus    `json:"functions,omitempty"`
	Tables    []tableStatus   `json:"tables,omitempty"`
}

type endpointStatus struct {
	URL    string `json:"url,omitempty"`
	Health string `json:"health"` // ok | unavailable | unreachable | unknown
	Took   string `json:"took,omitempty"`
	Error  string `json:"error,omitempty"`
}

type queueStatus struct {
	Name     string `json:"name"`
	Visible  int    `json:"visible"`
	InFlight int    `json:"inFlight"`
	Delayed  int    `json:"delayed"`
	Error    string `json:"error,omitempty"`
}

type funcStatus struct {
	Name string `json:"name"`
	functionState
	Error string `json:"error,omitempty"`
}

type tableStatus struct {
	Name   string `json:"name"`
	Status string `json:"status,omitempty"`
	Error  string `json:"error,omitempty"`
}

// Run implements the command.
func (statusCmd) Run(ctx context.Context, g *globals, w *world) error {
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	regions := g.regions(r.cfg)
	s := status{At: w.Now().UTC(), Prefix: r.cfg.Prefix, Regions: make([]regionStatus, len(regions)), Attention: []string{}}
	// An endpoint that is not known is one finding among others here.
	urls, _ := r.endpoints(ctx, g.Endpoint, regions)
	var group errgroup.Group
	for i, region := range regions {
		group.Go(func() error {
			s.Regions[i] = r.region(ctx, region, true)
			s.Regions[i].Endpoint = health(ctx, w, urls[region])
			s.Regions[i].Reachable = s.Regions[i].Reachable || s.Regions[i].Endpoint.answered()
			return nil
		})
	}
	if witness := r.cfg.Regions.Witness; witness != "" && g.Region == "" {
		group.Go(func() error {
			one := r.region(ctx, witness, false)
			s.Witness = &one
			return nil
		})
	}
	group.Go(func() error { s.Observers = r.observers(ctx, regions); return nil })
	group.Go(func() error { s.States = r.statesOf(ctx, regions, s.At); return nil })
	group.Go(func() error { s.Inputs = r.watched(ctx, regions); return nil })
	group.Go(func() error { s.Kills = r.stopped(ctx, regions); return nil })
	_ = group.Wait() // what could not be asked stands in the answer
	s.Attention = append(s.attention(r.cfg), drained(s.States, s.At)...)
	s.Attention = append(s.Attention, stalledInputs(s.Inputs, s.At)...)
	s.Attention = append(s.Attention, killed(s.Kills, s.At)...)
	if err := s.print(g, w); err != nil {
		return err
	}
	if dead := s.unreachable(); len(dead) > 0 {
		err := errSilent
		if !g.JSON {
			err = fmt.Errorf("cannot be reached: %s", strings.Join(dead, ", "))
		}
		return fail(exitUnreachable, err)
	}
	return nil
}

// region asks one region everything at once. The witness has an observer and nothing else.
func (r *reach) region(ctx context.Context, name string, whole bool) regionStatus {
	ctx, cancel := callContext(ctx)
	defer cancel()
	s := regionStatus{Region: name}
	funcs := []string{loop.FuncObserver}
	if whole {
		funcs = functionsOf(r.cfg)
		for _, q := range queuesOf(r.cfg) {
			s.Queues = append(s.Queues, queueStatus{Name: q}, queueStatus{Name: loop.DeadLetter(q)})
		}
		s.Tables = []tableStatus{{Name: loop.TableClaims}, {Name: loop.TableOutputs}}
	}
	for _, f := range funcs {
		s.Functions = append(s.Functions, funcStatus{Name: f})
	}
	var group errgroup.Group
	for i := range s.Queues {
		q := &s.Queues[i]
		group.Go(func() (err error) {
			q.Visible, q.InFlight, q.Delayed, err = r.Queues.Depth(ctx, name, q.Name)
			q.Error = short(err)
			return nil
		})
	}
	for i := range s.Functions {
		f := &s.Functions[i]
		group.Go(func() (err error) {
			f.functionState, err = r.Functions.Function(ctx, name, f.Name, fed(f.Name))
			f.Error = short(err)
			return nil
		})
	}
	for i := range s.Tables {
		t := &s.Tables[i]
		group.Go(func() (err error) {
			t.Status, err = r.Tables.Table(ctx, name, t.Name)
			t.Error = short(err)
			return nil
		})
	}
	_ = group.Wait()
	for _, f := range s.Functions {
		s.Reachable = s.Reachable || f.Error == ""
	}
	for _, q := range s.Queues {
		s.Reachable = s.Reachable || q.Error == ""
	}
	return s
}

// functionsOf are the functions of a loop region, in the order of a signal's way; some are there for what is declared.
func functionsOf(cfg *loop.Config) []string {
	funcs := []string{loop.FuncIngestHTTP, loop.FuncIngestQueue}
	for _, in := range cfg.Inputs {
		if in.Kind == loop.KindAlarm {
			funcs = append(funcs, loop.FuncIngestAlarm) // there is one such input at most
		}
	}
	if cfg.Polls() {
		funcs = append(funcs, loop.FuncIngestPoll)
	}
	funcs = append(funcs, loop.FuncDecide, loop.FuncAct, loop.FuncOutputs, loop.FuncObserver, loop.FuncCanary, loop.FuncSweeper)
	if len(cfg.Regions.Loop) > 1 {
		funcs = append(funcs, loop.FuncSalvage)
	}
	if cfg.Archives() {
		funcs = append(funcs, loop.FuncArchive)
	}
	return funcs
}

// queuesOf are the queues of a loop region that have dead letters.
func queuesOf(cfg *loop.Config) []string {
	queues := loop.Queues()
	if cfg.Archives() {
		queues = append(queues, loop.QueueArchive)
	}
	return queues
}

// fed says whether queues feed the function.
func fed(name string) bool {
	return name == loop.FuncIngestQueue || name == loop.FuncDecide || name == loop.FuncAct || name == loop.FuncArchive
}

// health asks an endpoint as a health check would.
func health(ctx context.Context, w *world, base string) *endpointStatus {
	e := &endpointStatus{URL: base, Health: "unknown"}
	if base == "" {
		e.Error = "not announced in any table that answers"
		return e
	}
	ctx, cancel := callContext(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v1/health", nil)
	if err != nil {
		e.Error = "not a URL"
		return e
	}
	start := w.Now()
	resp, err := w.HTTP.Do(req)
	if err != nil {
		e.Health, e.Error = "unreachable", short(err)
		return e
	}
	_ = resp.Body.Close()
	e.Took = w.Now().Sub(start).Round(time.Millisecond).String()
	switch resp.StatusCode {
	case http.StatusOK:
		e.Health = "ok"
	case http.StatusServiceUnavailable:
		e.Health, e.Error = "unavailable", "drained, not whole, or two observers object"
	default:
		e.Health, e.Error = "unreachable", "answered "+resp.Status
	}
	return e
}

func (e *endpointStatus) answered() bool { return e.Health == "ok" || e.Health == "unavailable" }

// short is an error for one cell: SDK errors name every layer they passed.
func short(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer within " + callTimeout.String()
	case errors.Is(err, context.Canceled):
		return "interrupted"
	}
	text := err.Error()
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		text = api.ErrorCode() + ": " + api.ErrorMessage()
	} else if transport, ok := errors.AsType[*url.Error](err); ok {
		text = "no connection: " + transport.Err.Error()
	}
	return clip(text)
}

// clip keeps a cell of a table within what a line can hold.
func clip(text string) string {
	const most = 80
	if r := []rune(line(text)); len(r) > most {
		return string(r[:most]) + "…"
	}
	return line(text)
}
