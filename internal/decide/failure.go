package decide

import (
	"context"
	"slices"

	"example.com/unbroken/internal/loop"
)

// fail notes an error with every item of a group: a refusal will never succeed and is quarantined for that rule,
// anything else is ours and retried.
func fail(obs []observation, ruleID string, err error) {
	code := loop.CodeOf(err)
	for _, o := range obs {
		if code == "" {
			o.work.fail(ruleID, err)
			continue
		}
		o.work.mu.Lock()
		o.work.quarantine = append(o.work.quarantine, loop.Quarantine{Reason: code, Rule: ruleID, Detail: err.Error()})
		o.work.mu.Unlock()
	}
}

// finish puts hopeless (signal, rule) pairs to quarantine and sends failed items again, each alone, for the rules that
// have failed: those that are through have sent what they had to. A message of which an item could neither be finished
// nor sent on is delivered again as a whole.
func (h *Handler) finish(ctx context.Context, works []*work, broken []bool) {
	var letters, again []loop.Outgoing
	var lettersOf, againOf []*work
	for _, w := range works {
		for _, q := range w.quarantine {
			item := w.item
			q.Stage, q.At = "decide", h.cfg.Now().UTC()
			item.Quarantine, item.Left = &q, nil
			if body, err := loop.Encode(item); err != nil {
				broken[w.msg] = true
			} else {
				letters, lettersOf = append(letters, loop.Outgoing{Body: body, Group: item.Input}), append(lettersOf, w)
			}
			h.cfg.Recorder.Quarantined(ctx, q, item)
		}
	}
	h.deliver(ctx, loop.DeadLetter(loop.QueueSignals), letters, lettersOf, broken)
	for _, w := range works {
		if w.retry == nil {
			continue
		}
		item := w.item
		item.Attempt++
		item.Left, item.Timers = w.left, slices.Concat(item.Timers, w.timers)
		delay := min(h.cfg.Backoff(item.Attempt), loop.MaxDelay)
		if body, err := loop.Encode(item); err != nil {
			broken[w.msg] = true
		} else {
			again, againOf = append(again, loop.Outgoing{Body: body, Delay: delay, Group: item.Input}), append(againOf, w)
		}
		h.cfg.Recorder.Retried(ctx, item, delay, w.retry)
	}
	h.deliver(ctx, loop.QueueSignals, again, againOf, broken)
}

func (h *Handler) deliver(ctx context.Context, queue string, out []loop.Outgoing, of []*work, broken []bool) {
	for i, err := range h.cfg.Queue.Send(ctx, h.cfg.Region, queue, out) {
		if err != nil {
			broken[of[i].msg] = true
		}
	}
}
