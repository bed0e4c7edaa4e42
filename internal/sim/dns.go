package sim

import (
	"context"
	"slices"
	"time"

	"example.com/unbroken/internal/failover"
)

// record is a region in DNS: answered while its endpoint is healthy and all but one observer at most do not object. Only
// checks change it; there is no control plane in this world that anybody could ask (FAULTS 45).
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
type record struct {
	endpoint bool
	streak   int // answers in a row that contradict it
	alarms   []alarm
	changes  []change
}

// alarm is an observer's: two minutes in a row below 1, and without data it does not vote.
type alarm struct {
	at  [2]time.Time // of the last two values, newest first
	bad [2]bool
}

// change is one of what DNS says of a region.
type change struct {
	at      time.Time
	healthy bool
}

func newRecord(observers int) *record {
	return &record{endpoint: true, alarms: make([]alarm, observers)}
}

func (r *record) published(observer int, at time.Time, value float64) {
	a := &r.alarms[observer]
	a.at[1], a.bad[1] = a.at[0], a.bad[0]
	a.at[0], a.bad[0] = at, value < 1
}

func (a alarm) objects(now time.Time) bool {
	return a.bad[0] && a.bad[1] && now.Sub(a.at[0]) <= 2*time.Minute && now.Sub(a.at[1]) <= 3*time.Minute
}

// healthy is the calculated check: the endpoint counts twice.
func (r *record) healthy(now time.Time) bool {
	well := 0
	if r.endpoint {
		well = 2
	}
	for _, a := range r.alarms {
		if !a.objects(now) {
			well++
		}
	}
	return well >= failover.Needed(len(r.alarms)+2)
}

// check asks every region's endpoint, as Route 53's checkers do from all over the world.
func (h *health) check() {
	h.goesOn()
	now := h.w.clock.now
	for _, name := range h.w.plan.Loop {
		r := h.dns[name]
		if ok := !h.w.down[name] && h.deep[name].Fit(context.Background()); ok == r.endpoint {
			r.streak = 0
		} else if r.streak++; r.streak == failover.Threshold {
			r.endpoint, r.streak = ok, 0
		}
		if is := r.healthy(now); is != r.was() {
			r.changes = append(r.changes, change{now, is})
			h.w.log(name, "HEALTH in DNS: %v", is)
		}
	}
}

// was is what DNS said last.
func (r *record) was() bool { return len(r.changes) == 0 || r.changes[len(r.changes)-1].healthy }

// answer is what DNS says: the healthy regions, and all where none is.
func (h *health) answer() (names []string) {
	for _, name := range h.w.plan.Loop {
		if h.dns[name].was() {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return h.w.plan.Loop
	}
	return names
}

// order is where a producer turns to: what DNS answers first, and then the others by their own names.
func (h *health) order(own []string) []string {
	answer := h.answer()
	if f := h.w.lasting(Cached, ""); f == nil {
		h.cached = answer
	} else {
		h.w.result.Struck[f.Row]++
		answer = h.cached
	}
	sorted := slices.Clone(own)
	slices.SortStableFunc(sorted, func(a, b string) int {
		switch in := slices.Contains(answer, a); {
		case in == slices.Contains(answer, b):
			return 0
		case in:
			return -1
		}
		return 1
	})
	return sorted
}
