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

// firstRoom is how many entries a reading has room for before it grows: that of an ordinary window.
const firstRoom = 64

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
	if r.entries == nil {
		r.entries = make([]Entry, 0, min(1+r.look.Expect, firstRoom))
	}
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
	seen := Seen{From: l.At}
	for _, r := range shares {
		slices.Reverse(r.entries)
		seen.Entries = inOrder(seen.Entries, r.entries)
		seen.Overflow = seen.Overflow || r.over
		if r.from.After(seen.From) {
			seen.From = r.from
		}
	}
	return seen
}

// inOrder merges two stretches of entries, each of which is in order. Most keys have entries of one region only.
func inOrder(a, b []Entry) []Entry {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	out := make([]Entry, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if b[0].Pos.Compare(a[0].Pos) < 0 {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
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
