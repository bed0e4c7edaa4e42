package sim

import (
	"time"

	"github.com/tidwall/gjson"

	"example.com/unbroken/internal/loop"
)

// watch looks at every claim whenever it changes and whenever somebody sends: what the classes' targets would forgive
// is seen here.
type watch struct {
	w    *World
	last map[string]holder
	sent map[string]int64 // effect → the last token under which it was sent
}

type holder struct {
	owner  string
	token  int64
	status loop.Status
	until  time.Time
	former string // whom the owner took over from
}

func (v watch) holder(id string) (holder, bool) {
	doc := v.w.claims.Peek(id)
	if doc == nil {
		return holder{}, false
	}
	f := gjson.GetManyBytes(doc, "owner", "token", "status", "deadline")
	return holder{owner: f[0].Str, token: f[1].Int(), status: loop.Status(f[2].Str), until: f[3].Time()}, true
}

// changed: tokens never fall, a new owner has a new token, and what is terminal stays. Whoever took over and only waits
// gives the claim back in the name of the one who vanished, under its own token: that one may have sent.
func (v watch) changed(id string) {
	now, ok := v.holder(id)
	before, known := v.last[id]
	if now.former = before.former; known && now.owner != before.owner {
		now.former = before.owner
	}
	if v.last[id] = now; !ok || !known {
		return
	}
	switch {
	case before.status.Terminal() && before != now:
		v.w.violate("P2", "claim %s was %s and was overwritten", short(id), before.status)
	case now.owner != before.owner && now.token == before.token && now.owner == before.former:
	case now.token < before.token, now.owner != before.owner && now.token <= before.token:
		v.w.violate("P2", "claim %s went from token %d of %s to token %d of %s", short(id), before.token, before.owner, now.token, now.owner)
	}
}

// sends: whoever sends holds a claim that has not run out, and no two requests go out under one token.
func (v watch) sends(id string) {
	h, ok := v.holder(id)
	switch {
	case v.w.clock.running == nil || v.w.clock.running.dead:
		return
	case !ok:
		v.w.violate("P2", "%s is sent without a claim", short(id))
	case h.status != loop.StatusClaimed || v.w.clock.now.After(h.until):
		v.w.violate("P2", "%s is sent while its claim is %s until %s", short(id), h.status, h.until.Format(time.TimeOnly))
	case v.sent[id] == h.token:
		v.w.violate("P2", "%s is sent twice under token %d", short(id), h.token)
	}
	v.sent[id] = h.token
}
