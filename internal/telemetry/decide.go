package telemetry

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"example.com/unbroken/internal/loop"
)

// Decide records what became of signals; it implements decide.Recorder without importing that package, which
// would bring CEL into every function.
type Decide struct{ t *Telemetry }

// Decide returns the recorder of the decide function.
func (t *Telemetry) Decide() Decide { return Decide{t: t} }

// Decided logs one decision with the effects that follow from it.
func (r Decide) Decided(ctx context.Context, d loop.Decision, item loop.Item) {
	if d.RuleID == loop.CanaryRule {
		batchOf(ctx).decided(1, 0)
		return // nobody's decision
	}
	batchOf(ctx).count(decided, 1)
	effects := make([]string, len(d.Effects))
	for i, e := range d.Effects {
		effects[i] = e.ID
	}
	r.t.log.LogAttrs(ctx, slog.LevelInfo, "decided",
		slog.String("signalKey", d.SignalKey), slog.String("rule", d.RuleID), slog.String("phase", string(d.Phase)),
		slog.String("decisionID", d.ID), slog.Any("effects", effects), slog.Bool("standby", item.Standby))
}

// Late logs a signal that came too late for its window and was suppressed.
func (r Decide) Late(ctx context.Context, ruleID, signalKey string) {
	batchOf(ctx).count(late, 1)
	r.t.log.LogAttrs(ctx, slog.LevelInfo, "late",
		slog.String("signalKey", signalKey), slog.String("rule", ruleID))
}

// Overflow logs that a window holds more than its bound, so that only its newest entries count.
func (r Decide) Overflow(ctx context.Context, ruleID string) {
	batchOf(ctx).count(windowOverflow, 1)
	r.t.log.LogAttrs(ctx, slog.LevelWarn, "window overflow", slog.String("rule", ruleID))
}

// Quarantined logs why a rule failed on a signal. The detail stays in the dead letter: CEL quotes the values that it
// stumbles over.
func (r Decide) Quarantined(ctx context.Context, q loop.Quarantine, item loop.Item) {
	batchOf(ctx).count(quarantined, 1)
	r.t.log.LogAttrs(ctx, slog.LevelWarn, "quarantined",
		slog.String("signalKey", signalKey(item)), slog.String("rule", q.Rule),
		slog.String("reason", string(q.Reason)), slog.String("stage", q.Stage), slog.Bool("standby", item.Standby))
}

// Retried logs an item that is sent again. One without a signal is a message that could not be read at all.
func (r Decide) Retried(ctx context.Context, item loop.Item, after time.Duration, cause error) {
	if item.Signal == nil {
		r.t.log.LogAttrs(ctx, slog.LevelError, "unreadable message", slog.String("cause", oneLine(cause.Error())))
		return
	}
	batchOf(ctx).count(retries, 1)
	r.t.log.LogAttrs(ctx, slog.LevelWarn, "retried",
		slog.String("signalKey", signalKey(item)), slog.Int("attempt", item.Attempt),
		slog.Duration("after", after), slog.String("cause", oneLine(cause.Error())))
}

// Batch counts the signals that no rule wanted. They have no line of their own: most signals are such.
func (r Decide) Batch(ctx context.Context, items []loop.Item, n int) {
	batchOf(ctx).count(unmatched, n)
	batchOf(ctx).decided(0, len(items))
}

// signalKey reads the two attributes that identify the item's signal, "" where it is none.
func signalKey(item loop.Item) string {
	var s struct {
		Source string `json:"source"`
		ID     string `json:"id"`
	}
	if err := json.Unmarshal(item.Signal, &s); err != nil {
		return ""
	}
	return loop.SignalKey(s.Source, s.ID)
}
