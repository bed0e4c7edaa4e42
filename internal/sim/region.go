package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/output"
)

// region is one loop region: the functions and what delivers messages to them.
type region struct {
	w       *World
	name    string
	peer    string
	queue   act.Queue
	http    *ingest.HTTP
	inbox   *ingest.Inbox
	decide  [2]*decide.Handler // by version of the bundle
	act     *environments
	outputs *mem.Outputs
}

// handler is a stage behind a queue.
type handler interface {
	Handle(ctx context.Context, msgs []loop.Message) (failed []string)
}

func newRegion(w *World, name string) *region {
	r := &region{w: w, name: name, peer: loop.Peer(w.plan.Loop, name), queue: w.queues.From(name)}
	cfg := w.bundles[0].config
	b := w.broken
	if b.Queue != nil {
		r.queue = b.Queue(name, r.queue)
	}
	entrance := ingest.Config{
		Region: name, Peers: loop.Peers(w.plan.Loop, name), Inputs: cfg.Inputs, StandbyDelay: cfg.StandbyDelay.Std(), SendTimeout: time.Hour,
		Queue: sends{r}, Now: w.clock.Now,
	}
	if w.health != nil {
		entrance.Canaries = w.health.verifier(name)
	}
	acceptor := ingest.New(entrance)
	r.http = ingest.NewHTTP(acceptor)
	var err error
	if r.inbox, err = ingest.NewInbox(acceptor, "inbox"); err != nil {
		panic(err) // the simulator's own rules declare it
	}
	for version := range r.decide {
		r.decide[version] = decide.New(r.decideConfig(version))
	}
	r.outputs = mem.NewOutputs(w.tables, name)
	r.act = &environments{make: func() *act.Handler { return act.New(r.actConfig(cfg)) }}
	return r
}

func (r *region) decideConfig(version int) decide.Config {
	w := r.w
	again := act.Backoff{Base: time.Second, Cap: 30 * time.Second, Rand: w.rng.Int64N}
	c := decide.Config{
		Region: r.name, Peer: r.peer, StandbyDelay: w.bundles[version].config.StandbyDelay.Std(), Set: w.bundles[version].set,
		Queue: r.queue, Now: w.clock.Now, Backoff: again.Next, AtOnce: 1,
		Recorder: &decideBook{w, r.name}, Windows: mem.NewWindows(w.tables, r.name), Episodes: w.episodes.In(r.name),
	}
	if w.broken.Windows != nil {
		c.Windows = w.broken.Windows(r.name, c.Windows)
	}
	if w.broken.Episodes != nil {
		c.Episodes = w.broken.Episodes(r.name, c.Episodes)
	}
	c.Windows, c.Episodes = windowsBook{w, r.name, c.Windows}, episodesBook{w, c.Episodes}
	if w.broken.Decide != nil {
		w.broken.Decide(&c)
	}
	return c
}

func (r *region) actConfig(cfg *loop.Config) act.Config {
	w := r.w
	c := act.Config{
		Region: r.name, Claims: w.claims.In(r.name), Outputs: r.outputs, Queue: r.queue, Now: w.clock.Now,
		Hold: cfg.Claim.Std(), Margin: time.Second, Recorder: actBook{w, r.name},
		Backoff:   act.Backoff{Base: time.Second, Cap: 5 * time.Minute, Rand: w.rng.Int64N},
		Unclaimed: act.Backoff{Base: time.Second, Cap: 15 * time.Second, Rand: w.rng.Int64N},
		Targets: map[string]act.Target{
			loop.TargetOutput: output.Target{}, loop.TargetWebhook: w.target, loop.TargetDynamoDB: w.target,
			loop.TargetSSM: w.target, loop.TargetLambda: w.target,
		},
		Budgets: w.limits.Budgets(r.name), Throttles: w.limits.Throttles(r.name),
		Controls: w.controls.In(r.name), Stopper: w.controls.In(r.name),
		NewOwner: func() string { w.owners++; return fmt.Sprintf("%s/%d", r.name, w.owners) },
	}
	if w.health != nil {
		c.Targets[loop.TargetReceipt] = w.health.receipts(r.name)
	}
	if w.broken.Claims != nil {
		c.Claims = w.broken.Claims(r.name, c.Claims)
	}
	if w.broken.Outputs != nil {
		c.Outputs = w.broken.Outputs(r.name, c.Outputs)
	}
	if w.broken.Act != nil {
		w.broken.Act(&c)
	}
	return c
}

// poll is the event source mapping: it takes what is visible and calls the function.
func (r *region) poll(queue string) {
	w := r.w
	if w.down[r.name] || w.clock.over {
		return
	}
	if f := w.lasting(Stop, r.name); f != nil && f.Mode == queue {
		w.result.Struck[f.Row]++
		w.clock.at(start.Add(f.At+f.For), func() { r.poll(queue) })
		return
	}
	got := w.queues.Receive(r.name, queue, 10)
	if len(got) == 0 {
		return
	}
	// What is not acknowledged is visible again then; and there may be more now.
	w.clock.after(visibility+time.Millisecond, func() { r.poll(queue) })
	if len(got) == 10 {
		w.clock.after(time.Millisecond, func() { r.poll(queue) })
	}
	switch queue {
	case loop.QueueSignals:
		r.invoke(loop.FuncDecide, queue, r.deciding(), got)
	case loop.QueueInbox:
		r.invoke(loop.FuncIngestQueue, queue, r.inbox, got)
	case loop.QueueActions:
		for i := range got { // act works on the messages of a batch at once, which has no fixed order
			r.invoke(loop.FuncAct, queue, r.act, got[i:i+1])
		}
	}
}

// deciding is the version of decide that is deployed now.
func (r *region) deciding() handler {
	w := r.w
	if f := w.lasting(Bad, r.name); f != nil {
		w.result.Struck[f.Row]++
		return badDeployment{}
	}
	if f := w.lasting(Deploy, r.name); f != nil {
		w.result.Struck[f.Row]++
		return r.decide[1]
	}
	return r.decide[0]
}

// badDeployment is FAULTS 47: a version that fails on every message.
type badDeployment struct{}

func (badDeployment) Handle(_ context.Context, msgs []loop.Message) (failed []string) {
	for _, m := range msgs {
		failed = append(failed, m.ID)
	}
	return failed
}

// invoke runs a function on a batch, and deletes from the queue what it did not name as failed.
func (r *region) invoke(function, queue string, h handler, batch []mem.Delivery) {
	t := &task{what: function, region: r.name}
	r.w.clock.spawn(t, func() {
		msgs := make([]loop.Message, len(batch))
		for i, d := range batch {
			msgs[i] = d.Message
			if r.w.broken.AckFirst {
				r.w.queues.Ack(r.name, queue, d.Receipt)
			}
		}
		failed := h.Handle(withTask(t), msgs)
		for _, d := range batch {
			if slices.Contains(failed, d.ID) || r.w.hook(mem.Op{Service: "queue", From: r.name, Region: r.name, Name: opAck, Key: queue}) != nil {
				continue
			}
			r.w.queues.Ack(r.name, queue, d.Receipt)
			r.w.acknowledged(r.name, queue, d.Body)
		}
	})
}

// catchUp looks at all queues, after a time in which nobody did.
func (r *region) catchUp() {
	for _, queue := range loop.Queues() {
		for range 1 + len(r.w.queues.Bodies(r.name, queue))/10 {
			r.poll(queue)
		}
	}
}
