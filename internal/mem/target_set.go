package mem

import (
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// absolute holds one value per resource. Whoever writes looks first (look): what is newer is left as it is. Between the
// look and the write nothing is compared, so a write on its way is taken whatever stands by then: the last one stays,
// a late one of an older effect too.
type absolute struct{ holds map[string]loop.Effect }

// look is the read before the write; ok says that there is nothing to write.
func (a *absolute) look(e loop.Effect) (answer act.Answer, ok bool) {
	switch stands, known := a.holds[resource(e)]; {
	case !known || stands.Fence < e.Fence:
		return act.Answer{}, false
	case stands.Fence == e.Fence:
		return act.Answer{Verdict: act.Delivered, Evidence: "stands already"}, true
	}
	return act.Answer{Verdict: act.Outdated, Evidence: "a newer fence stands"}, true
}

func (a *absolute) take(e loop.Effect, _ time.Time) (bool, act.Answer) {
	if a.holds == nil {
		a.holds = map[string]loop.Effect{}
	}
	before := a.holds[resource(e)]
	a.holds[resource(e)] = e
	return before.ID != e.ID, took()
}

// Holds is what the resource of an effect of class set holds: the effect that wrote it last.
func (t *Targets) Holds(e loop.Effect) (last loop.Effect, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, ok := t.classes[loop.ClassSet].(*absolute)
	if !ok {
		return loop.Effect{}, false
	}
	last, ok = a.holds[resource(e)]
	return last, ok
}
