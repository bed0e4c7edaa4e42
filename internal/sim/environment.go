package sim

import (
	"context"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// environments are those of one region's act function. As on Lambda each works on one invocation at a time and is used
// again when it is free, so that what a handler remembers of the controls grows old in each by itself.
type environments struct {
	make func() *act.Handler
	free []*act.Handler
}

// Handle runs one invocation. An environment that dies on the way is not used again.
func (e *environments) Handle(ctx context.Context, msgs []loop.Message) (failed []string) {
	var h *act.Handler
	if n := len(e.free); n > 0 {
		h, e.free = e.free[n-1], e.free[:n-1]
	} else {
		h = e.make()
	}
	failed = h.Handle(ctx, msgs)
	if t, ok := ctx.Value(taskKey{}).(*task); ok && !t.dead {
		e.free = append(e.free, h)
	}
	return failed
}
