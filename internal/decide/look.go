package decide

import (
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// Look says which entries of a window are wanted: all from At on, and of those before it what Before asks for. At
// most Limit of each: a window holds the newest, so that a hot key costs no more than its bound.
type Look struct {
	At     loop.Position
	After  time.Time         // entries before At are wanted only if they are later than this
	Before func() LookBehind // makes what looks at the entries before At; nil where none are wanted
	Expect int               // how many entries before At are likely to be wanted: a hint for the first page
	Limit  int               // 0 for no bound
}

// LookBehind is shown the entries before At, newest first, and says whether it wants each and whether to go on. It
// keeps state: one partition is one LookBehind's.
type LookBehind func(e Entry) (want, more bool)

// Seen is what a Look found, in order. Entries of several regions are merged; a signal may appear more than once.
type Seen struct {
	Entries  []Entry
	From     loop.Position // what came before this is not to be judged: it is At, unless the bound cut entries off
	Overflow bool          // the bound was hit
}

// Reading is one partition's share of a Look, fed from the newest entry back. Stores share it, so that all of them
// stop at the same entry.
type Reading struct {
	look    Look
	behind  LookBehind
	entries []Entry // newest first
	before  int
	from    loop.Position
	over    bool
}

// Read begins to read one partition.
func (l Look) Read() *Reading {
	r := &Reading{look: l, from: l.At}
	if l.Before != nil {
		r.behind = l.Before()
	}
	return r
}

// Add takes the next older entry and says whether to go on.
func (r *Reading) Add(e Entry) (more bool) {
	if e.Pos.Compare(r.from) >= 0 {
		r.entries = append(r.entries, e)
		if r.look.Limit > 0 && len(r.entries) == r.look.Limit && e.Pos.After(r.look.At) {
			r.from, r.over = e.Pos, true // what is older counts as before At
		}
		return true
	}
	if r.behind == nil || !e.Pos.Time.After(r.look.After) {
		return false
	}
	want, more := r.behind(e)
	if want {
		r.entries = append(r.entries, e)
		if r.before++; r.before == r.look.Limit && more {
			r.over = true
			return false
		}
	}
	return more
}

// Merge puts the shares of all regions together.
func (l Look) Merge(shares ...*Reading) Seen {
	seen, n := Seen{From: l.At}, 0
	for _, r := range shares {
		n += len(r.entries)
	}
	seen.Entries = slices.Grow(seen.Entries, n)
	for _, r := range shares {
		slices.Reverse(r.entries)
		seen.Entries = append(seen.Entries, r.entries...)
		seen.Overflow = seen.Overflow || r.over
		if r.from.After(seen.From) {
			seen.From = r.from
		}
	}
	slices.SortStableFunc(seen.Entries, func(a, b Entry) int { return a.Pos.Compare(b.Pos) })
	return seen
}

// NewestHits wants the newest n hits.
func NewestHits(n int) LookBehind {
	found := 0
	return func(e Entry) (want, more bool) {
		if found >= n {
			return false, false
		}
		if e.Hit() {
			found++
		}
		return e.Hit(), found < n
	}
}
