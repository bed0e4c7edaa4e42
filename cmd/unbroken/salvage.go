package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/queue"
	"example.com/unbroken/internal/region"
	"example.com/unbroken/internal/salvage"
)

type salvageCmd struct {
	Name string `arg:"" name:"region" help:"The drained region."`
	To   string `placeholder:"REGION" help:"The region that takes the messages (default: the first other one that is well)."`
	Rate int    `default:"50" placeholder:"N" help:"Messages a second (default: ${default})."`
}

// Help implements kong.HelpProvider.
func (salvageCmd) Help() string {
	return `A region that has been drained for two minutes is salvaged by itself, every minute, by the function salvage of the others,
at up to 30 messages a second. This command does the same at once and faster, and with a person's permissions.

Each message is sent to the other region and deleted afterwards. Interrupting or repeating that doubles messages, not
effects: these collapse by their ids. Standby copies stay, because the other region has the first copies; so do canaries, of
which those that are late are dropped, and what is delayed or in a function's hands, until it comes back. What
stays is hidden from the region's own functions meanwhile, for half a minute at a time, and is put into its queue anew where
it has often been received, lest it become a dead letter; a standby copy that was accepted four days ago is deleted then, as
SQS deletes what has lain as long.
What a failing function takes again and again is reached once its event source mapping is off. Dead letters are for
unbroken redrive.

Refused unless the region is drained, and was two minutes ago, so that its functions and the standby copies have done what
they can; and unless another one is active and answers 200. Exits 4 if a region cannot be reached.

  unbroken salvage us-west-2
  unbroken salvage us-west-2 --to us-east-2 --rate 200`
}

// salvaged is what became of a queue.
type salvaged struct {
	Queue string `json:"queue"`
	Found int    `json:"found"`
	Moved int    `json:"moved"`
	Left  int    `json:"left"` // what stays, what is delayed, and what is in hand
	Error string `json:"error,omitempty"`
}

// Run implements the command.
func (c salvageCmd) Run(ctx context.Context, g *globals, w *world) error {
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	all := r.cfg.Regions.Loop
	switch {
	case c.Rate < 1 || c.Rate > queue.MaxMoveRate:
		return fail(exitUsage, fmt.Errorf("--rate is %d: 1 to %d a second are possible", c.Rate, queue.MaxMoveRate))
	case !slices.Contains(all, c.Name):
		return fail(exitUsage, fmt.Errorf("%s is no loop region: loop.yaml has %s", line(c.Name), strings.Join(all, ", ")))
	case c.To != "" && (!slices.Contains(all, c.To) || c.To == c.Name):
		return fail(exitUsage, fmt.Errorf("--to is %s: loop.yaml has %s", line(c.To), strings.Join(loop.Peers(all, c.Name), ", ")))
	}
	to, err := c.peer(ctx, g, w, r)
	if err != nil {
		return err
	}
	audit := map[string]any{"at": w.Now().UTC(), "by": r.Who(ctx), "what": "salvage " + c.Name + " to " + to}
	if err := r.Docs.Put(ctx, to, "audit#"+to, loop.TimeKey(w.Now()), audit, auditKeep); err != nil {
		return fail(exitUnreachable, fmt.Errorf("a salvage must be audited: %w", err))
	}
	shown := w.progress(g)
	var done []salvaged
	var failed []error
	for _, name := range salvage.Order() { // what fails at one keeps no other
		if ctx.Err() == nil {
			one, err := c.queue(ctx, w, r, shown, salvage.Mover{Queues: r.Queues, From: c.Name, To: to, Now: w.Now}, name)
			done, failed = append(done, one), append(failed, err)
		}
	}
	shown.end()
	return c.print(g, w, to, done, errors.Join(append(failed, ctx.Err())...))
}

// peer is the region that takes the messages. All must be as for the function: one that has just been drained is let
// finish.
func (c salvageCmd) peer(ctx context.Context, g *globals, w *world, r *reach) (string, error) {
	views, err := r.states(ctx)
	if err != nil {
		return "", err
	}
	now := w.Now()
	e := views[c.Name].Now(now)
	if e.State != region.Drained {
		return "", fail(exitProblem, fmt.Errorf("%s is not drained: it takes signals, and works on what it has; drain it first", c.Name))
	}
	if since := now.Sub(e.DrainedSince()); since < salvage.Settle {
		return "", fail(exitProblem, fmt.Errorf("%s has been drained for %s: let its functions and the standby copies do what they can for %s first",
			c.Name, since.Round(time.Second), salvage.Settle))
	}
	candidates := loop.Peers(r.cfg.Regions.Loop, c.Name)
	if c.To != "" {
		candidates = []string{c.To}
	}
	well, why := r.well(ctx, g, w, views, candidates, now)
	if len(well) == 0 {
		return "", fail(exitProblem, errors.New("nobody can take the messages: "+strings.Join(why, "; ")))
	}
	return well[0], nil
}

// enough passes in a row after which there is more, and that moved nothing.
const enough = 3

// longestPass is for one in which nothing stays; the others are short by themselves.
const longestPass = time.Hour

func (c salvageCmd) queue(ctx context.Context, w *world, r *reach, shown *progress, m salvage.Mover, name string) (s salvaged, err error) {
	s.Queue = name
	if s.Found, _, err = r.waiting(ctx, c.Name, name); err != nil {
		s.Error = short(err)
		return s, err
	}
	after := func(b salvage.Done) error {
		s.Moved += b.Moved
		shown.show(s.Moved, max(s.Found, s.Moved), "messages of "+name)
		return w.Wait(ctx, time.Duration(b.Moved)*time.Second/time.Duration(c.Rate))
	}
	var p salvage.Pass
	for idle := 0; idle < enough && err == nil && !p.Whole; idle++ {
		before := s.Moved
		p, err = m.Pass(ctx, name, math.MaxInt, w.Now().Add(longestPass), after)
		if s.Moved = before + p.Moved; p.Moved+p.Dropped+p.Expired > 0 {
			idle = -1
		}
	}
	if _, left, failed := r.waiting(context.WithoutCancel(ctx), c.Name, name); failed == nil {
		s.Left = left
	}
	s.Error = short(err)
	return s, err
}

// waiting is what a queue has: what can be received now, and all.
func (r *reach) waiting(ctx context.Context, name, queue string) (visible, all int, err error) {
	ctx, cancel := callContext(ctx)
	defer cancel()
	visible, inFlight, delayed, err := r.Queues.Depth(ctx, name, queue)
	return visible, visible + inFlight + delayed, err
}

func (c salvageCmd) print(g *globals, w *world, to string, done []salvaged, failed error) error {
	if g.JSON {
		if err := printJSON(w.Stdout, map[string]any{"region": c.Name, "to": to, "queues": done}); err != nil {
			return err
		}
	} else {
		_, _ = fmt.Fprintf(w.Stdout, "from %s to %s\n", c.Name, to)
		t := newTable(w.Stdout)
		t.row("QUEUE", "FOUND", "MOVED", "LEFT", "")
		for _, s := range done {
			t.row(s.Queue, fmt.Sprint(s.Found), fmt.Sprint(s.Moved), fmt.Sprint(s.Left), line(s.Error))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if failed != nil {
		return fail(exitUnreachable, errSilent)
	}
	return nil
}
