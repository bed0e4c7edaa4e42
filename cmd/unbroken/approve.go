package main

import (
	"context"
	"errors"
	"fmt"

	"example.com/unbroken/internal/loop"
)

type approveCmd struct {
	IDs []string `arg:"" name:"id" help:"Effects' ids, 64 hex digits each, as parked list prints them."`
	Why string   `placeholder:"TEXT" help:"For the audit trail."`
}

// Help implements kong.HelpProvider.
func (approveCmd) Help() string {
	return `Effects of steps with approval: required are parked until then. What is approved is sent at once; expire_after counts
from now, for the time parked does not count; who approved it is kept in its claim. Read what will be sent first:
unbroken parked show. What is not wanted is ended with unbroken parked discard. If its episode has closed meanwhile,
its undo is parked, too: after the approval, retry it.

May be repeated: what was approved already is sent its message again, and act collapses it. Exits 1 if an effect is
not there or does not wait for approval, 4 if the loop cannot be reached.

  unbroken parked list --action rollback
  unbroken approve 5f1c9f… --why "checked with the owner"`
}

// Run implements the command.
func (c approveCmd) Run(ctx context.Context, g *globals, w *world) error {
	return handled{IDs: c.IDs, Why: c.Why}.each(ctx, g, w, func(o *operator, one loop.Claim) (string, error) { return o.approve(ctx, one, c.Why) })
}

// errWaits is why nobody retries what has not been approved.
var errWaits = errors.New("it waits for approval: `unbroken approve` lets it go")

func (o *operator) approve(ctx context.Context, c loop.Claim, why string) (string, error) {
	state := "was approved already, sent again"
	switch {
	case c.WaitsForApproval():
		c = c.Approved(o.now(), o.who, why)
		if err := o.unpark(ctx, c); err != nil {
			return "", err
		}
		state = "approved and sent"
	case c.Status == loop.StatusClaimed && c.ApprovedBy != "":
	case c.Status.Terminal() && c.ApprovedBy != "":
		return "was approved already, and is " + string(c.Status), nil
	default:
		return "", fail(exitProblem, fmt.Errorf("it is %s and does not wait for approval", c.Status))
	}
	region, err := o.send(ctx, c)
	if err != nil {
		return "", fail(exitUnreachable, fmt.Errorf("it is approved, but its message could not be sent: run the command again: %w", err))
	}
	return state + " to actions in " + region, nil
}
