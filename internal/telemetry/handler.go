package telemetry

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// handler adds to every line the ids that tell where in the chain it was written: request and trace, beside the
// function and the region. It stamps lines with the injected clock and counts errors.
type handler struct {
	slog.Handler
	now   func() time.Time
	trace func(context.Context) string
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	r = r.Clone()
	r.Time = h.now().UTC()
	if r.Level >= slog.LevelError {
		batchOf(ctx).count(errorLines, 1)
	}
	if id := requestID(ctx); id != "" {
		r.AddAttrs(slog.String("requestID", id))
	}
	if h.trace != nil {
		if id := h.trace(ctx); id != "" {
			r.AddAttrs(slog.String("trace", id))
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

// WithGroup implements slog.Handler; the ids then stand in the group.
func (h handler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}

func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}
