// Package output is the target of effects that only leave an output. There is nothing to send: act's execute
// stage writes Effect.Output itself after any Delivered verdict, this one's too, and finds out there whether a
// newer output stands. It must not know the outputs table.
package output

import (
	"context"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Target delivers effects whose Target is loop.TargetOutput.
type Target struct{}

var _ act.Target = Target{}

// Deliver always succeeds; the write that follows decides.
func (Target) Deliver(context.Context, loop.Effect) act.Answer {
	return act.Answer{Verdict: act.Delivered, Evidence: "written to outputs"}
}
