package telemetry

import (
	"context"
	"log/slog"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Act records what became of effects; it implements act.Recorder.
type Act struct{ t *Telemetry }

var _ act.Recorder = Act{}

// Act returns the recorder of the act functions.
func (t *Telemetry) Act() Act { return Act{t: t} }

// byReason are the metrics of what kept effects from being sent.
func byReason() map[act.Reason]metric {
	return map[act.Reason]metric{
		act.ReasonShadow: inShadow, act.ReasonSilence: bySilence, act.ReasonThrottle: byThrottle, act.ReasonBudget: byBudget, act.ReasonKilled: byKill, act.ReasonInhibited: byInhibition,
	}
}

// Landed logs an effect that came to its end. Every copy and redelivery of its message finds that end again; these
// are for debugging only and not counted twice.
func (r Act) Landed(ctx context.Context, l *act.Landing) {
	if l.Item.Effect.Target == loop.TargetReceipt { // nobody's effect: it is not counted among them
		if !l.Repeat && l.Status == loop.StatusDone {
			batchOf(ctx).observe(canaryLatency, r.t.cfg.Now().Sub(l.Item.AcceptedAt))
		}
		return
	}
	level := slog.LevelInfo
	evidence := l.Evidence
	if l.Repeat {
		level, evidence = slog.LevelDebug, l.Claim.Evidence
	} else {
		b := batchOf(ctx)
		b.observe(endToEndLatency, r.t.cfg.Now().Sub(l.Item.AcceptedAt))
		if l.Stopped {
			level = slog.LevelWarn
			b.count(rulesStopped, 1)
		}
		switch l.Status {
		case loop.StatusDone:
			b.count(delivered, 1)
		case loop.StatusParked:
			level = slog.LevelWarn
			b.count(parked, 1)
		case loop.StatusExpired:
			level = slog.LevelWarn
			b.count(expired, 1)
		case loop.StatusSuppressed:
			b.count(suppressed, 1)
			if m, ok := byReason()[l.Reason]; ok {
				b.count(m, 1)
			}
		case loop.StatusSuperseded:
			b.count(superseded, 1)
		case loop.StatusClaimed: // not an end: act does not report it here
		}
	}
	attrs := about(l)
	if l.Reason != "" {
		attrs = append(attrs, slog.String("reason", string(l.Reason)))
	}
	r.t.log.LogAttrs(ctx, level, "landed", append(attrs,
		slog.String("status", string(l.Status)), slog.String("evidence", oneLine(evidence)),
		slog.Bool("repeat", l.Repeat))...)
}

// Retried logs an effect that is looked at again later. Without evidence nothing failed: it only waits for its
// holder, its do or its time.
func (r Act) Retried(ctx context.Context, l *act.Landing, after time.Duration) {
	attrs := append(about(l), slog.Duration("after", after))
	if l.Evidence == "" {
		r.t.log.LogAttrs(ctx, slog.LevelDebug, "waiting", attrs...)
		return
	}
	if l.Unclaimed && l.Delivered {
		batchOf(ctx).count(sentUnclaimed, 1)
	}
	batchOf(ctx).count(retries, 1)
	r.t.log.LogAttrs(ctx, slog.LevelWarn, "retried", append(attrs, slog.String("evidence", oneLine(l.Evidence)))...)
}

// about names the effect of the message; the claim's may be one that was only fenced out.
func about(l *act.Landing) []slog.Attr {
	e := l.Item.Effect
	return []slog.Attr{
		slog.String("signalKey", e.SignalKey), slog.String("rule", e.RuleID), slog.String("action", e.Action),
		slog.String("effectID", e.ID), slog.Int("attempt", l.Claim.Attempt), slog.Bool("standby", l.Item.Standby),
	}
}
