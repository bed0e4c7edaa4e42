package sim

import (
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// watch looks at every claim whenever it changes and whenever somebody sends: what the classes' targets would forgive
// is seen here. It also notes from when on people's orders stood.
type watch struct {
	w        *World
	last     map[string]holder
	sent     map[string]int64 // effect → the last token under which it was sent
	stops    []stop           // by kill switch, over and still on
	silences map[string]silenced
}

type holder struct {
	owner  string
	token  int64
	status loop.Status
	until  time.Time
	former string // whom the owner took over from
}

// stop is a kill switch from when it was stored until it was gone.
type stop struct {
	loop.Kill
	from, to time.Time // to is zero while it is on
}

type silenced struct {
	loop.Silence
	stored time.Time
}

func newWatch(w *World) *watch {
	return &watch{w: w, last: map[string]holder{}, sent: map[string]int64{}, silences: map[string]silenced{}}
}

func (v *watch) holder(id string) (holder, bool) {
	c, ok := v.w.claims.Holder(id)
	return holder{owner: c.Owner, token: c.Token, status: c.Status, until: c.Deadline}, ok
}

// changed: tokens never fall, a new owner has a new token, and what is terminal stays, unless a person reopens what is
// parked. Whoever took over and only waits gives the claim back in the name of the one who vanished, under its own
// token: that one may have sent.
func (v *watch) changed(op mem.Op) {
	id := op.Key
	now, ok := v.holder(id)
	before, known := v.last[id]
	if now.former = before.former; known && now.owner != before.owner {
		now.former = before.owner
	}
	if v.last[id] = now; !ok || !known {
		return
	}
	switch {
	case before.status == loop.StatusParked && op.Name == "Unpark" && now.token > before.token:
	case before.status.Terminal() && before != now:
		v.w.violate("P2", "claim %s was %s and was overwritten", short(id), before.status)
	case now.owner != before.owner && now.token == before.token && now.owner == before.former:
	case now.token < before.token, now.owner != before.owner && now.token <= before.token:
		v.w.violate("P2", "claim %s went from token %d of %s to token %d of %s", short(id), before.token, before.owner, now.token, now.owner)
	}
}

// sends: whoever sends holds a claim that has not run out, and no two requests go out under one token; and no kill
// switch is on that it had to know of. What is sent while claims cannot be reached is left to its target.
func (v *watch) sends(e loop.Effect) {
	id := e.ID
	h, ok := v.holder(id)
	if v.w.clock.running == nil || v.w.clock.running.dead || e.SendUnclaimed && v.w.mayMissClaims() {
		return
	}
	switch {
	case !ok:
		v.w.violate("P2", "%s is sent without a claim", short(id))
	case h.status != loop.StatusClaimed || v.w.clock.now.After(h.until):
		v.w.violate("P2", "%s is sent while its claim is %s until %s", short(id), h.status, h.until.Format(time.TimeOnly))
	case v.sent[id] == h.token:
		v.w.violate("P2", "%s is sent twice under token %d", short(id), h.token)
	}
	v.sent[id] = h.token
	for _, s := range v.stops {
		if s.to.IsZero() && s.Scope == e.RuleID && v.w.clock.now.Sub(s.from) > loop.ControlsAge {
			v.w.violate("P2", "%s of %s is sent %s after its kill switch went on", short(id), e.RuleID, seconds(v.w.clock.now.Sub(s.from)))
		}
	}
}

// mayMissClaims says whether the plan has a fault that keeps somebody from `claims`.
func (w *World) mayMissClaims() bool {
	for _, f := range w.plan.Faults {
		if f.Kind == Kill || f.Kind == Cut || f.Point == AnyClaims {
			return true
		}
	}
	return false
}

// ordered notes what stands in the controls since now.
func (v *watch) ordered() {
	c, err := v.w.controls.Peek()
	if err != nil {
		panic(err) // the store wrote it itself
	}
	for i := range v.stops {
		if s := &v.stops[i]; s.to.IsZero() {
			if _, on := c.Killed(s.Scope); !on {
				s.to = v.w.clock.now
			}
		}
	}
	for _, k := range c.Kills {
		if !v.stopped(k.Scope) {
			v.w.log("", "stopped     %s by %s", k.Scope, k.By)
			v.stops = append(v.stops, stop{Kill: k, from: v.w.clock.now})
		}
	}
	for _, s := range c.Silences {
		if _, known := v.silences[s.ID]; !known {
			v.silences[s.ID] = silenced{s, v.w.clock.now}
		}
	}
}

func (v *watch) stopped(scope string) bool {
	for _, s := range v.stops {
		if s.Scope == scope && s.to.IsZero() {
			return true
		}
	}
	return false
}

// wasStopped says whether the rule was stopped at any time from `from` until `to`.
func (v *watch) wasStopped(rule string, from, to time.Time) bool {
	for _, s := range v.stops {
		if s.Scope == rule && !s.from.After(to) && (s.to.IsZero() || !s.to.Before(from)) {
			return true
		}
	}
	return false
}

// everStopped says whether the rule was stopped at all.
func (v *watch) everStopped(rule string) bool { return v.wasStopped(rule, start, v.w.clock.now) }
