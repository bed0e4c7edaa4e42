package sim

import (
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// Modes of Targets: what goes wrong on the way to a target and back (FAULTS 28 to 31).
const (
	modeBefore500 = "500 before"
	modeAfter500  = "500 after"
	mode429       = "429"
	modeHang      = "hang"
	modeHangAfter = "hang after"
	modeReset     = "reset"
	modeSlow      = "slow"
	modeLate      = "late" // the request lands after everybody gave up waiting for it
	modeDown      = "down"
	modeRefuse    = "refuse"
)

// maxLate bounds how long a request may be on its way. Every horizon has to be longer by that much.
const maxLate = 40 * time.Second

// passage decides what happens to one request.
func (w *World) passage(e loop.Effect) mem.Passage {
	t := w.clock.running
	w.watch.sends(e)
	gone := mem.Passage{Lost: true, Answer: &act.Answer{Evidence: errGone.Error()}}
	if err := w.hook(mem.Op{Service: opTarget, From: t.region, Region: t.region, Name: "Deliver", Key: e.ID}); err != nil {
		return gone
	}
	takes := 5*time.Millisecond + time.Duration(w.rng.Int64N(int64(50*time.Millisecond)))
	f := w.lasting(Targets, t.region)
	if f == nil || w.rng.Float64() >= f.P {
		return mem.Passage{Takes: takes}
	}
	w.result.Struck[f.Row]++
	w.log(t.region, "FAULT %s target: %s %s", f.Row, f.Mode, short(e.ID))
	again := func(evidence string) *act.Answer { return &act.Answer{Verdict: act.Retry, Evidence: evidence} }
	switch f.Mode {
	case modeBefore500:
		return mem.Passage{Lost: true, Takes: takes, Answer: again("500")}
	case modeAfter500:
		return mem.Passage{Takes: takes, Answer: again("500")}
	case mode429:
		return mem.Passage{Lost: true, Takes: takes, Answer: &act.Answer{Verdict: act.Retry, RetryAfter: 20 * time.Second, Evidence: "429"}}
	case modeHang:
		return mem.Passage{Lost: true, Takes: e.Timeout.Std(), Answer: again("no answer: the attempt's time ran out")}
	case modeHangAfter:
		return mem.Passage{Takes: e.Timeout.Std(), Answer: again("no answer: the attempt's time ran out")}
	case modeReset:
		return mem.Passage{Lost: w.rng.IntN(2) == 0, Takes: takes, Answer: again("connection reset by peer")}
	case modeSlow:
		return mem.Passage{Takes: e.Timeout.Std() * 4 / 5}
	case modeLate:
		late := time.Duration(w.rng.Int64N(int64(maxLate - e.Timeout.Std())))
		return mem.Passage{Takes: e.Timeout.Std(), Late: late, Answer: again("no answer: the attempt's time ran out")}
	case modeRefuse:
		return mem.Passage{Lost: true, Takes: takes, Answer: &act.Answer{Verdict: act.Refused, Evidence: "404"}}
	}
	return mem.Passage{Lost: true, Takes: takes, Answer: again("connection refused")}
}

// underway lets the time of a request pass; then the answer is there, unless its process is not.
func (w *World) underway(d time.Duration) {
	w.clock.wait(d)
	if t := w.clock.running; t != nil && !t.dead {
		_ = w.hook(mem.Op{Service: opTarget, From: t.region, Region: t.region, Name: "Deliver", When: mem.After})
	}
}

// got is told of what reached a target.
func (w *World) got(r mem.Request) {
	w.log("target", "%s %s %s %s applied=%v", r.Effect.Class, short(r.Effect.ID), r.Effect.RuleID, r.Effect.Phase, r.Applied)
}
