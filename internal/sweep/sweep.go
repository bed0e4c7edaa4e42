// Package sweep keeps the table `claims` small and honest. The table has no TTL: once a day a scan at a bounded rate
// deletes what has ended and is past its horizon, and reports what should have ended and has not.
//
//	judge.go  pure: is a record done with, is it overdue
//	page.go   one page: judge every record, delete, count, keep to the rate
//	pass.go   one pass over the table, in as many runs as it takes
//
// It deletes nothing that anybody may still need: a delete is conditional on the state that was judged, so that two
// regions may sweep at once. It knows no AWS and no clock.
package sweep

import (
	"context"
	"encoding/json"
	"time"

	"example.com/unbroken/internal/loop"
)

// Episode is what the sweeper needs to know of the state of a (rule, key).
type Episode struct {
	RuleID, Key string
	N, Rev      int64
	Open        bool
	UpdatedAt   time.Time
	Pending     int       // transitions whose effects nobody has sent
	Oldest      time.Time // acceptance of the oldest of these
}

// Limit is what bounds a rule: a budget of an hour, what a throttle let through.
type Limit struct {
	Key  string    // in the table
	Last time.Time // accepted then was the last signal that it is about
}

// Query says which page of the table is wanted.
type Query struct {
	Segment, Segments int
	After             string      // Page.Next of the page before; "" for the first
	Limit             int         // records looked at
	Status            loop.Status // where set, only claims in this state are returned
}

// Page is what a query found.
type Page struct {
	Claims     []loop.Claim
	Episodes   []Episode
	Limits     []Limit
	Scanned    int      // records looked at, of all kinds
	Unreadable []string // keys of records that this version cannot read
	Next       string   // "" at the end of the segment
	Units      float64  // capacity it cost
}

// Table is `claims` as a scan sees it.
type Table interface {
	// Scan reads one page, eventually consistent: what matters is checked again by the delete's condition.
	Scan(ctx context.Context, q Query) (Page, error)
	// Episode reads the state of a (rule, key) with strong consistency; the zero Rev where there is none.
	Episode(ctx context.Context, ruleID, key string) (Episode, error)
	// DeleteClaim deletes c if its token and status still stand; otherwise loop.ErrFenced.
	DeleteClaim(ctx context.Context, c loop.Claim) error
	// DeleteEpisode deletes e if its Rev still stands; otherwise loop.ErrFenced.
	DeleteEpisode(ctx context.Context, e Episode) error
	// DeleteLimit deletes l if it is about nothing newer still; otherwise loop.ErrFenced.
	DeleteLimit(ctx context.Context, l Limit) error
}

// Docs keeps the sweeper's own notes, in its own region.
type Docs interface {
	Put(ctx context.Context, region, name, writer string, doc any, keep time.Duration) error
	Query(ctx context.Context, region, name string) (map[string]json.RawMessage, error)
}

// Recorder hears what the sweeper finds, for logs and metrics.
type Recorder interface {
	// Overdue is called for each record that the report lists.
	Overdue(ctx context.Context, o Overdue)
	// Swept is called at the end of every run that had something to do.
	Swept(ctx context.Context, p Pass, f Found)
}

// Found is what one run added to its pass.
type Found struct{ Scanned, Deleted, Overdue int }

// Overdue is something that should have ended and has not.
type Overdue struct {
	Kind       string    `json:"kind"` // effect | episode
	ID         string    `json:"id"`   // the effect's id; of an episode the key's hash
	Rule       string    `json:"rule"`
	Action     string    `json:"action,omitempty"`
	Due        time.Time `json:"due"` // when the next step should have been taken
	AcceptedAt time.Time `json:"acceptedAt"`
	Evidence   string    `json:"evidence,omitempty"`
}

// Kinds of Overdue.
const (
	KindEffect  = "effect"
	KindEpisode = "episode"
)
