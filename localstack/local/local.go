// Package local starts, fills and breaks the local world: the emulator, the edge in front of
// it and the webhook receiver beside it.
//
// One process owns a World (Start, Stop). Any process may use a Site, the addresses of a
// running world: the command line finds the one that `make run` announced (Find) and deploys
// to it, cuts a region off or heals it.
//
// It must not know what the loop does. It knows names that DESIGN.md, section 8, fixes, the plan of its names in DNS
// (internal/failover), and what the emulator leaves out and therefore has to be made up for here.
package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"example.com/unbroken/localstack/edge"
	"example.com/unbroken/localstack/receiver"
)

// The ports `make run` uses. A test leaves the ports 0 and gets free ones.
const (
	EdgePort     = 4566
	EmulatorPort = 4579
	ReceiverPort = 4580
	DNSPort      = 4553
)

// Account is the emulator's account.
const Account = "000000000000"

// Options say where and how to start. Only Dir is needed.
type Options struct {
	Dir          string   // the repository
	Venv         string   // the emulator's Python environment; {Dir}/.tools/venv if empty
	EdgePort     int      // 0: a free one
	EmulatorPort int      // 0: a free one
	ReceiverPort int      // 0: a free one
	DNSPort      int      // 0: a free one
	Upstream     string   // an emulator that runs already (LocalStack): none is started
	Secret       string   // whsec_…: the receiver verifies signatures
	Regions      []string // where to look for APIs, the nearest first; edge.DefaultRegions if empty
	Env          []string // more environment for the emulator, and so for all functions
	Scale        float64  // how many times faster than AWS's clock the stand-ins go; 1 if 0
	NoMetrics    bool     // without what measures queues, reads logs and evaluates alarms: it takes a good part of the emulator's time
	Log          io.Writer
	StartTimeout time.Duration // 60 s if 0: the first start on a cold machine compiles Python
}

// World is a running local world. Its fields are the way in.
type World struct {
	Site
	Receiver *receiver.Client

	emulator *process // nil with Options.Upstream
	cancel   context.CancelFunc
	servers  sync.WaitGroup
	failed   chan error
	stop     func() error
}

// Start brings up emulator, edge and receiver and returns when all three answer. ctx bounds
// the start only; the world runs until Stop.
func Start(ctx context.Context, o Options) (_ *World, err error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	if o.Upstream == "" {
		// A port in use has to be noticed here: what listens there may be another emulator,
		// and it would answer in the place of ours. Ours listens before this function returns.
		port, free, err := hold(o.EmulatorPort)
		if err != nil {
			return nil, taken("emulator", err)
		}
		defer free()
		o.EmulatorPort = port
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &World{cancel: cancel, failed: make(chan error, 16)}
	w.stop = sync.OnceValue(w.end)
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Stop())
		}
	}()

	edgeListener, err := listen("edge", o.EdgePort)
	if err != nil {
		return nil, err
	}
	receiverListener, err := listen("receiver", o.ReceiverPort)
	if err != nil {
		_ = edgeListener.Close()
		return nil, err
	}
	w.Site = Site{
		Dir:         o.Dir,
		Regions:     map[string]string{},
		EdgeURL:     "http://" + edgeListener.Addr().String(),
		EmulatorURL: o.Upstream,
		ReceiverURL: "http://" + receiverListener.Addr().String(),
		Log:         o.Log,
	}
	w.Receiver = &receiver.Client{URL: w.ReceiverURL}
	if w.EmulatorURL == "" {
		port := strconv.Itoa(o.EmulatorPort)
		w.EmulatorURL = "http://127.0.0.1:" + port
		// The emulator starts while the edge and the receiver are set up.
		w.emulator, err = startEmulator(o, port, w.EdgeURL)
	}
	err = errors.Join(err, w.serve(running, o, edgeListener, receiverListener))
	if err != nil {
		return nil, err
	}
	if err := w.await(ctx, o.StartTimeout); err != nil {
		return nil, err
	}
	return w, w.standIn(running, o)
}

// serve runs the edge and the receiver in this process.
func (w *World) serve(ctx context.Context, o Options, edgeListener, receiverListener net.Listener) error {
	e, err := edge.New(edge.Options{
		Upstream: w.EmulatorURL,
		Regions:  o.Regions,
		Log:      logger(o.Log),
	})
	if err != nil {
		return errors.Join(err, edgeListener.Close(), receiverListener.Close())
	}
	r, err := receiver.New(receiver.Options{Secret: o.Secret})
	if err != nil {
		return errors.Join(err, edgeListener.Close(), receiverListener.Close())
	}
	w.servers.Go(func() { w.report(e.Serve(ctx, edgeListener)) })
	w.servers.Go(func() { w.report(r.Serve(ctx, receiverListener)) })
	w.regional(ctx, e, o, edgeListener)
	return nil
}

// regional gives each region an address of its own, 127.0.1.1 and on, with the edge's port. Linux answers on all of
// 127.0.0.0/8; elsewhere an address is added first (macOS: ifconfig lo0 alias 127.0.1.1), and without it the region has
// no name.
func (w *World) regional(ctx context.Context, e *edge.Edge, o Options, edgeListener net.Listener) {
	port := strconv.Itoa(edgeListener.Addr().(*net.TCPAddr).Port)
	for i, region := range o.Regions {
		addr := "127.0.1." + strconv.Itoa(i+1)
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(addr, port))
		if err != nil {
			logger(o.Log).WarnContext(ctx, "a region has no address of its own", slog.String("region", region), slog.Any("err", err))
			continue
		}
		w.Regions[region] = addr
		w.servers.Go(func() { w.report(e.ServeRegional(ctx, l, region)) })
	}
}

func logger(out io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// await returns when everything answers, or says who does not and why.
func (w *World) await(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var died <-chan struct{}
	if w.emulator != nil {
		died = w.emulator.done
	}
	if err := poll(ctx, died, func() error { return w.emulatorHealth(ctx) }); err != nil {
		if w.emulator != nil {
			return fmt.Errorf("the emulator did not come up: %w\nits last words:\n%s", err, w.emulator.tail.String())
		}
		return fmt.Errorf("no emulator answers at %s: %w", w.EmulatorURL, err)
	}
	if err := poll(ctx, died, func() error { return w.Edge().Health(ctx) }); err != nil {
		return err
	}
	return poll(ctx, died, func() error { return w.Receiver.Health(ctx) })
}

// Wait returns when ctx ends (nil) or when a part of the world died (why).
func (w *World) Wait(ctx context.Context) error {
	var died <-chan struct{}
	if w.emulator != nil {
		died = w.emulator.done
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-w.failed:
		return err
	case <-died:
		return fmt.Errorf("the emulator ended by itself: %w; its last words:\n%s",
			cmp.Or(w.emulator.err, errDied), w.emulator.tail.String())
	}
}

// Stop ends everything Start began and leaves no process. It may be called more than once.
func (w *World) Stop() error { return w.stop() }

func (w *World) end() error {
	w.retract()
	w.cancel()
	var err error
	if w.emulator != nil {
		err = w.emulator.end()
	}
	w.servers.Wait()
	return err
}

func (w *World) report(err error) {
	if err != nil {
		w.failed <- err
	}
}

func (o *Options) complete() error {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return fmt.Errorf("local: %w", err)
	}
	o.Dir = dir
	if o.Venv == "" {
		o.Venv = filepath.Join(dir, ".tools", "venv")
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	o.Log = &syncWriter{w: o.Log}
	if len(o.Regions) == 0 {
		o.Regions = edge.DefaultRegions
	}
	if o.Scale == 0 {
		o.Scale = 1
	}
	if o.StartTimeout == 0 {
		o.StartTimeout = 60 * time.Second
	}
	return nil
}

func listen(who string, port int) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, taken(who, err)
	}
	return l, nil
}

func taken(who string, err error) error {
	return fmt.Errorf("%s: %w: does another world run? Stop it first, or give other ports", who, err)
}

// syncWriter lets the emulator, the edge and cdk write to one log.
type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}
