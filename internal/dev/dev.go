// Package dev is the inner loop of rule authors: the real handlers of all regions in one process, over in-memory
// services, on real time, with real HTTP in and real webhooks out. It is up in well under a second, and regions can
// be killed or cut off while it runs.
//
//	dev.go      what it is made of; Run
//	region.go   one loop region: the same handlers as the functions have
//	poll.go     what delivers messages to them
//	watch.go    what runs every minute: reading endpoints, watching inputs
//	faults.go   which region is gone or cut off, and when
//	serve.go    the regions' endpoints on loopback
//	events.go   what happens, for a person or a program to read
//
// What it keeps is gone with the process. It is never in a function's binary.
package dev

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/webhook"
)

// Config is what a World needs. All fields are required but Port and Faults.
type Config struct {
	Rules  *loop.Config
	Port   int // of the first region; the others follow. 0 takes free ones
	Faults []Fault
	Now    func() time.Time
	Say    func(Event) // called from many goroutines, one at a time

	calls  mem.Fault     // a test counts the calls to services by it
	minute time.Duration // a test's may be shorter; 0 for a minute
}

func (c Config) counted(op mem.Op) error {
	if c.calls == nil {
		return nil
	}
	return c.calls(op)
}

// World is a running loop.
type World struct {
	cfg      Config
	started  time.Time
	claims   *mem.Claims
	limits   *mem.Limits
	controls *mem.Controls
	episodes *mem.Episodes
	queues   *mem.Queues
	tables   *mem.Replicas
	records  *mem.Records
	webhooks act.Target
	regions  []*loopRegion
	state    faults
	pollers  map[poller]chan struct{}

	saying sync.Mutex
}

// New wires a world and binds its ports; nothing runs yet.
func New(ctx context.Context, c Config) (*World, error) {
	set, err := rule.Compile(c.Rules)
	if err != nil {
		return nil, err
	}
	dialer, err := webhook.NewDialer(c.Rules.EgressAllow, "")
	if err != nil {
		return nil, fmt.Errorf("egress_allow: %w", err)
	}
	w := &World{cfg: c, started: c.Now(), pollers: map[poller]chan struct{}{}, state: newFaults()}
	all := c.Rules.Regions.All()
	broken := mem.All(w.state.between, mem.Quorum(all, w.state.reaches, errNoQuorum), c.counted)
	w.claims = mem.NewClaims(broken)
	w.limits = mem.NewLimits(broken)
	w.controls = mem.NewControls(broken)
	w.episodes = mem.NewEpisodes(broken)
	w.queues = mem.NewQueues(mem.QueuesConfig{Now: c.Now, Visibility: visibility, MaxReceive: maxReceive, Fault: broken, Arrived: w.arrived})
	w.tables = mem.NewReplicas(mem.ReplicasConfig{Regions: all, Now: c.Now, Immediate: true, Fault: broken})
	w.tables.Link(w.state.reaches)
	w.records = mem.NewRecords(broken)
	w.webhooks = webhook.New(webhook.Config{Dialer: dialer, Secrets: localSecrets{}, Now: c.Now})
	for i, name := range c.Rules.Regions.Loop {
		port := c.Port
		if port != 0 {
			port += i
		}
		var lc net.ListenConfig
		listener, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", fmt.Sprint(port)))
		if err != nil {
			w.close()
			return nil, fmt.Errorf("listen for %s: %w", name, err)
		}
		r, err := newRegion(w, name, set, dialer, listener)
		if err != nil {
			_ = listener.Close()
			w.close()
			return nil, err
		}
		w.regions = append(w.regions, r)
		for _, queue := range loop.Queues() {
			w.pollers[poller{name, queue}] = make(chan struct{}, 1)
		}
	}
	return w, nil
}

// What a deployment says of its queues; see infra. Visibility is shorter, for nobody wants to wait for minutes here.
const (
	visibility = 30 * time.Second
	maxReceive = 20
)

func (w *World) close() {
	for _, r := range w.regions {
		_ = r.listener.Close()
	}
}

// Endpoints are the regions' URLs, in the order of the file.
func (w *World) Endpoints() []Endpoint {
	all := make([]Endpoint, len(w.regions))
	for i, r := range w.regions {
		all[i] = Endpoint{r.name, "http://" + r.listener.Addr().String()}
	}
	return all
}

// Endpoint is where a region answers.
type Endpoint struct {
	Region string `json:"region"`
	URL    string `json:"url"`
}

// Run serves until ctx ends.
func (w *World) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range w.regions {
		group.Go(func() error { return r.serve(ctx) })
		group.Go(func() error { return r.keep(ctx) })
		for _, queue := range loop.Queues() {
			group.Go(func() error { return w.poll(ctx, r, queue) })
		}
	}
	for _, f := range w.cfg.Faults {
		w.Strike(ctx, f)
	}
	return group.Wait()
}
