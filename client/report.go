package client

import (
	"fmt"

	"example.com/unbroken/internal/loop"
)

// State of a signal after Send.
type State string

// States. Open means that it is not known to be stored: send it again, with the same id.
const (
	Accepted State = "accepted" // durably stored
	Refused  State = "refused"  // will never be taken as it is
	Open     State = "open"
)

// Result is what became of one signal.
type Result struct {
	Source string    `json:"source"`
	ID     string    `json:"id"`
	Key    string    `json:"key"`
	State  State     `json:"state"`
	Region string    `json:"region,omitempty"` // that accepted it
	Copies int       `json:"copies,omitempty"` // regions it is stored in, at least
	Code   loop.Code `json:"code,omitempty"`   // why not
	Detail string    `json:"detail,omitempty"`

	Spooled bool `json:"spooled,omitempty"` // open, and kept on disk
}

func (r *Result) refuse(code loop.Code, detail string) {
	r.State, r.Code, r.Detail = Refused, code, detail
}

// Report is what became of the signals of one Send, in their order.
type Report struct {
	Results  []Result `json:"results"`
	Requests int      `json:"requests"` // sent in all
	Hedged   int      `json:"hedged"`   // of which because a region was slow
	Rounds   int      `json:"rounds"`   // of which the busiest batch needed; 1 if nothing was retried
}

// Count says how many signals ended in a state.
func (r Report) Count(s State) (n int) {
	for _, one := range r.Results {
		if one.State == s {
			n++
		}
	}
	return n
}

// count adds up what the batches cost.
func (r *Report) count(batches []tally) {
	for _, t := range batches {
		r.Requests += t.requests
		r.Hedged += t.hedged
		r.Rounds = max(r.Rounds, t.rounds)
	}
}

// NotAccepted is the error of a Send that did not get everything accepted.
type NotAccepted struct {
	Refused, Open, Total int
	First                Result // the first of them, as an example
}

// Error implements error.
func (e *NotAccepted) Error() string {
	what := fmt.Sprintf("%d of %d signals were not accepted (%d refused, %d not stored)", e.Refused+e.Open, e.Total, e.Refused, e.Open)
	return fmt.Sprintf("%s; %s of %s: %s: %s", what, e.First.ID, e.First.Source, e.First.Code, e.First.Detail)
}

func (r Report) err() error {
	e := &NotAccepted{Refused: r.Count(Refused), Open: r.Count(Open), Total: len(r.Results)}
	if e.Refused+e.Open == 0 {
		return nil
	}
	for _, one := range r.Results {
		if one.State != Accepted {
			e.First = one
			break
		}
	}
	return e
}
