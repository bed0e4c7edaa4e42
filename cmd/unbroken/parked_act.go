package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// handled names the parked effects that a command acts on, and why.
type handled struct {
	IDs []string `arg:"" optional:"" name:"id" help:"Effects' ids, 64 hex digits each."`
	which
	All    bool   `help:"All that are parked."`
	Why    string `placeholder:"TEXT" help:"For the audit trail."`
	DryRun bool   `help:"Say what would be done."`
}

type parkedRetryCmd struct{ handled }

// Help implements kong.HelpProvider.
func (parkedRetryCmd) Help() string {
	return `The claim is reopened: its token grows, so that whoever held it before is fenced out; expire_after counts from now, for
the time parked does not count; who did it and why is kept in it. Then its message is sent to the queue actions of one
region. Should the command die in between, run it again: it sends the message again, and act collapses it. An effect
that is claimed and overdue gets a new message too.

First look at the target: of an effect parked because its answer was lost it is not known whether it was applied. If
it was, give discard --done. Retry a do before its undo.

` + scanHelp + `
Exits 1 if an effect is not there or has ended, 4 if the loop cannot be reached.

  unbroken parked retry 5f1c9f… --why "the hook is back"
  unbroken parked retry --action page --dry-run`
}

// Run implements the command.
func (c parkedRetryCmd) Run(ctx context.Context, g *globals, w *world) error {
	return c.each(ctx, g, w, func(o *operator, one loop.Claim) (string, error) { return o.retry(ctx, one, c.Why) })
}

type parkedDiscardCmd struct {
	handled
	Done bool `help:"The target has it: end it as done, so that its undo may run."`
}

// Help implements kong.HelpProvider.
func (parkedDiscardCmd) Help() string {
	return `Nothing is sent to the target. The effect ends as suppressed, its evidence says who discarded it and why it was parked;
with --done it ends as done, because you saw that the target has it. Its undo, if one comes, then does nothing; with
--done it runs. Rules that want to hear of the outcome do. Run again, the command changes nothing.

` + scanHelp + `
Exits 1 if an effect is not there or is not parked, 4 if the loop cannot be reached.

  unbroken parked discard 5f1c9f… --why "the incident is over"
  unbroken parked discard 5f1c9f… --done --why "the ticket is there"`
}

// Run implements the command.
func (c parkedDiscardCmd) Run(ctx context.Context, g *globals, w *world) error {
	status := loop.StatusSuppressed
	if c.Done {
		status = loop.StatusDone
	}
	return c.each(ctx, g, w, func(o *operator, one loop.Claim) (string, error) { return o.settle(ctx, one, status, c.Why) })
}

// result is what became of one effect.
type result struct {
	ID    string `json:"effectID"`
	State string `json:"state,omitempty"`
	Error string `json:"error,omitempty"`
	err   error
}

// each acts on every effect that was named and goes on after a failure: the others do not depend on it.
func (c handled) each(ctx context.Context, g *globals, w *world, do func(*operator, loop.Claim) (string, error)) error {
	if bulk := c.All || c.Rule != "" || c.Action != ""; bulk == (len(c.IDs) > 0) {
		return fail(exitUsage, errors.New("name effects by their ids, or choose of the parked ones with --rule, --action or --all"))
	}
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	claims, err := c.chosen(ctx, g, w, r)
	if err != nil {
		return err
	}
	o := &operator{reach: r, regions: g.regions(r.cfg), now: w.Now, who: r.Who(ctx)}
	shown := w.progress(g)
	results := make([]result, 0, len(claims))
	for i, one := range claims {
		res := result{ID: one.EffectID, State: "would be handled: " + string(one.Status)}
		if !c.DryRun {
			res.State, res.err = do(o, one)
		}
		if res.err != nil {
			res.State, res.Error = "", short(res.err)
		}
		results = append(results, res)
		shown.show(i+1, len(claims), "effects")
	}
	shown.end()
	return report(g, w, results)
}

// chosen reads the claims that the command is about.
func (c handled) chosen(ctx context.Context, g *globals, w *world, r *reach) (claims []loop.Claim, err error) {
	for _, id := range c.IDs {
		one, err := r.oneClaim(ctx, g, id)
		if err != nil {
			return nil, err
		}
		claims = append(claims, one)
	}
	if len(claims) > 0 {
		return claims, nil
	}
	f, err := r.parked(ctx, g, w, c.which)
	for _, p := range f.Parked {
		claims = append(claims, p.claim)
	}
	return claims, err
}

// report shows the results; the worst of them is the exit code.
func report(g *globals, w *world, results []result) error {
	code, failed := exitOK, 0
	for _, r := range results {
		if r.err != nil {
			code, failed = max(code, codeOf(r.err)), failed+1
		}
	}
	if g.JSON {
		if err := printJSON(w.Stdout, map[string]any{"effects": results, "failed": failed}); err != nil {
			return err
		}
	} else {
		for _, r := range results {
			_, _ = fmt.Fprintf(w.Stdout, "%s  %s\n", r.ID, line(strings.TrimSpace(r.State+" "+r.Error)))
		}
		_, _ = fmt.Fprintf(w.Stdout, "%s, %d failed\n", plural(len(results), "effect"), failed)
	}
	if failed > 0 {
		return fail(code, errSilent)
	}
	return nil
}

// operator acts on claims in a person's name.
type operator struct {
	*reach
	regions []string
	now     func() time.Time
	who     string
}

// retry reopens a parked claim and sends its message. Of one that is claimed already, by an earlier run or because
// nobody came back to it, only the message is sent: act lets it wait, or takes the claim over.
func (o *operator) retry(ctx context.Context, c loop.Claim, why string) (string, error) {
	state := "was claimed already, sent again"
	switch {
	case c.WaitsForApproval():
		return "", fail(exitProblem, errWaits)
	case c.Status == loop.StatusParked:
		c = c.Reopened(o.now(), o.who, why)
		if err := o.unpark(ctx, c); err != nil {
			return "", err
		}
		state = "reopened and sent"
	case c.Status.Terminal():
		return "", fail(exitProblem, fmt.Errorf("it is %s: there is nothing to retry", c.Status))
	}
	region, err := o.send(ctx, c)
	if err != nil {
		return "", fail(exitUnreachable, fmt.Errorf("it is open, but its message could not be sent: run the command again: %w", err))
	}
	return state + " to actions in " + region, nil
}

// settle ends a parked claim. The message only lets act tell those rules that want to hear of it.
func (o *operator) settle(ctx context.Context, c loop.Claim, status loop.Status, why string) (string, error) {
	switch {
	case c.Status == loop.StatusParked:
		c = c.Settled(status, o.now(), o.who, why)
		if err := o.unpark(ctx, c); err != nil {
			return "", err
		}
	case c.Status != status || len(c.Audit) == 0:
		return "", fail(exitProblem, fmt.Errorf("it is %s, not parked", c.Status))
	}
	if slices.Contains(c.Effect.Emit, status) {
		if _, err := o.send(ctx, c); err != nil {
			return "", fail(exitUnreachable, fmt.Errorf("it is %s, but its outcome could not be told: run the command again: %w", status, err))
		}
	}
	return "ended as " + string(status), nil
}

// unpark writes the same claim in one region after the other until one answers: the same write twice is one.
func (o *operator) unpark(ctx context.Context, next loop.Claim) error {
	var errs []error
	for _, region := range o.regions {
		one, cancel := callContext(ctx)
		err := o.Claims(region).Unpark(one, next, next.Token-1)
		cancel()
		if err == nil {
			return nil
		}
		if errors.Is(err, loop.ErrFenced) {
			return fail(exitProblem, errors.New("somebody else has handled it since it was read: look at it again"))
		}
		errs = append(errs, err)
	}
	return fail(exitUnreachable, fmt.Errorf("not known whether it was written: run the command again: %w", errors.Join(errs...)))
}

// send puts the effect's message on `actions` of the first region that takes it.
func (o *operator) send(ctx context.Context, c loop.Claim) (string, error) {
	body, err := loop.Encode(loop.Item{AcceptedAt: c.AcceptedAt, Input: operatorInput, Effect: &c.Effect})
	if err != nil {
		return "", err
	}
	msg := []loop.Outgoing{{Body: body, Group: c.Effect.Action}}
	var errs []error
	for _, region := range o.regions {
		one, cancel := callContext(ctx)
		err := o.Queues.Send(one, region, loop.QueueActions, msg)[0]
		cancel()
		if err == nil {
			return region, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// operatorInput stands in messages that no input brought.
const operatorInput = "operator"
