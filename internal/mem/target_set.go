package mem

import (
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// absolute holds one value per resource and takes whatever comes: the last write stays, a late one of an older
// effect too.
type absolute struct{ holds map[string]loop.Effect }

func (a *absolute) take(e loop.Effect, _ time.Time) (bool, act.Answer) {
	if a.holds == nil {
		a.holds = map[string]loop.Effect{}
	}
	before := a.holds[resource(e)]
	a.holds[resource(e)] = e
	return before.ID != e.ID, took()
}

// Holds is what the resource of an effect of class set holds: the effect that wrote it last. It is how a value is
// read back.
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
