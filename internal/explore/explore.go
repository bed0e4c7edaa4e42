// Package explore runs a small concurrent world through every order of its steps: a model check whose model is the
// real code. A world is a function that asks a Run whenever something could go one way or another; Every calls it
// again and again until all answers have been given. Crew adds workers whose steps are interleaved one by one.
//
// It knows nothing of the loop. It is for tests only.
package explore

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// Run is one way through the world. It is not safe for concurrent use; a Crew lets one worker move at a time.
type Run struct {
	path  []choice
	at    int
	trace []string
}

type choice struct{ took, of int }

// Pick answers with a number below n, a different one in another run, and notes what it means.
func (r *Run) Pick(n int, name func(int) string) int {
	if n <= 0 {
		panic("explore: nothing to pick from")
	}
	if r.at == len(r.path) {
		r.path = append(r.path, choice{0, n})
	}
	c := r.path[r.at]
	if c.of != n {
		panic(fmt.Sprintf("explore: step %d had %d ways and now has %d: the world is not deterministic\n%s", r.at, c.of, n, r))
	}
	r.at++
	r.trace = append(r.trace, name(c.took))
	return c.took
}

// Note adds a line to the run's story.
func (r *Run) Note(format string, args ...any) {
	r.trace = append(r.trace, fmt.Sprintf(format, args...))
}

// String is the story of the run.
func (r *Run) String() string { return strings.Join(r.trace, "\n") }

// Seen remembers the states that runs have come to. What follows from a state does not depend on the way to it, so
// a run that comes to a known one, at a choice of its own, may end: the choices from there on have been, or will be,
// explored from the first.
//
// How much may still go wrong is apart from the state: whatever can follow with less can follow with more.
type Seen struct {
	known  map[[sha256.Size]byte][][]int // state → with what left
	states int
}

// NewSeen has seen nothing.
func NewSeen() *Seen { return &Seen{known: map[[sha256.Size]byte][][]int{}} }

// States is how many were explored from.
func (s *Seen) States() int { return s.states }

// Again says whether the state was known with as much of everything left, and remembers it. While a run repeats the
// choices of the one before it, its states are known for that reason alone: Again says false, and does not ask for the
// state, which is most of what a run would cost.
func (s *Seen) Again(r *Run, state func() []byte, left ...int) bool {
	if r.at < len(r.path) {
		return false
	}
	sum := sha256.Sum256(state())
	for _, known := range s.known[sum] {
		if covers(known, left) {
			return true
		}
	}
	s.known[sum] = append(s.known[sum], left)
	s.states++
	return false
}

func covers(more, less []int) bool {
	for i := range less {
		if more[i] < less[i] {
			return false
		}
	}
	return true
}

// Every calls world once for each way through it, at most limit times, and returns how often it did and whether
// that was all of them. It ends early where world returns false.
func Every(limit int, world func(*Run) bool) (runs int, all bool) {
	var path []choice
	for runs < limit {
		r := &Run{path: path}
		runs++
		if !world(r) {
			return runs, false
		}
		path = r.path[:r.at]
		for len(path) > 0 && path[len(path)-1].took+1 == path[len(path)-1].of {
			path = path[:len(path)-1]
		}
		if len(path) == 0 {
			return runs, true
		}
		path[len(path)-1].took++
	}
	return runs, false
}
