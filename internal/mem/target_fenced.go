package mem

import (
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// fenced compares and sets: per resource it keeps the greatest fence it has seen and refuses an older one. An equal
// one is the same effect again.
type fenced map[string]loop.Fence

func (f fenced) take(e loop.Effect, _ time.Time) (bool, act.Answer) {
	switch stored := f[resource(e)]; {
	case e.Fence < stored:
		return false, act.Answer{Verdict: act.Outdated, Evidence: "412 Precondition Failed: a newer fence stands"}
	case e.Fence == stored:
		return false, took()
	}
	f[resource(e)] = e.Fence
	return true, took()
}
