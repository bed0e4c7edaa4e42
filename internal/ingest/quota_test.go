package ingest

import (
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

func TestAQuotaIsAnsweredWithHowLongToWait(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, l := setup(q)
	now := noon
	a.cfg.Now = func() time.Time { return now }
	in := a.cfg.Inputs["shop"]
	in.Quota = loop.Quota{PerSecond: 2, Burst: 5}
	a.cfg.Inputs["shop"] = in
	h := NewHTTP(a)
	send := func(n int) (status int, wait string) {
		events := make([]string, n)
		for i := range events {
			events[i] = event("1")
		}
		w := post("shop", MediaBatch, batchOf(events...)).to(h)
		return w.Code, w.Header().Get("Retry-After")
	}
	for i, step := range []struct {
		after  time.Duration
		n      int
		status int
		wait   string
	}{
		{0, 4, 202, ""},
		{0, 4, 429, "2"}, // one is left
		{0, 1, 202, ""},
		{0, 0, 202, ""},
		{500 * time.Millisecond, 1, 202, ""},
		{time.Hour, 20, 202, ""}, // more than the burst, from a full bucket
		{time.Second, 1, 429, "7"},
		{7 * time.Second, 1, 202, ""},
		{-time.Minute, 1, 429, "1"}, // a clock that goes back gives nothing
	} {
		now = now.Add(step.after)
		if status, wait := send(step.n); status != step.status || wait != step.wait {
			t.Errorf("step %d: %d, wait %q; want %d, %q", i, status, wait, step.status, step.wait)
		}
	}
	if l.refused["shop/throttled"] != 6 || l.accepted["shop/2"] != 27 {
		t.Errorf("counted %v, %v", l.refused, l.accepted)
	}
	w := post("shop", MediaEvent, event("1")).to(h)
	refused(t, w, 429, loop.CodeThrottled)
	if got := taken(t, post("any", MediaEvent, event("1")).to(h)); len(got.Accepted) != 1 {
		t.Error("another input waits with it")
	}
}
