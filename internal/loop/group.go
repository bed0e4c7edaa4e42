package loop

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Group makes one decision of all keys of a rule that fire within a span.
type Group struct {
	By   string   `yaml:"by"   json:"by"`   // CEL that names the group of a signal
	Wait Duration `yaml:"wait" json:"wait"` // how long the group gathers from its first firing on
}

// Member is a key that fired, with the first of its signals.
type Member struct {
	Key    string    `json:"key"`
	Source string    `json:"source"`
	ID     string    `json:"id"`
	Time   time.Time `json:"time"`
}

// Joining says that a decision lands nothing of its own: it is one of many in the decision of a group.
type Joining struct {
	Group string   `json:"group"`
	Keep  Duration `json:"keep,omitempty"` // how long after its acceptance it may join, and may have joined
}

// GroupData is the data of a TimerGroup signal with which the effects of a group are rendered.
type GroupData struct {
	Rule    string   `json:"rule"`
	Count   int      `json:"count"`   // of the keys
	Full    bool     `json:"full"`    // there may be more of them: the group counts no further
	More    int      `json:"more"`    // keys that are counted and not listed
	Summary string   `json:"summary"` // for people: "a, b and 3 more"
	Members []Member `json:"members"` // in the order in which they came
}

// Bounds of a group. A group is one item of `claims`, and is written again with each key that joins.
const (
	MaxGroupKeys      = 1000     // that are told apart
	MaxGroupMembers   = 100      // that are listed
	MaxGroupListBytes = 16 << 10 // of the list, as JSON
	MaxGroupSummary   = 10       // keys in a summary
)

// GroupDecisionID names the one decision of instance n of a group.
func GroupDecisionID(ruleID, group string, n int64) string {
	return H("group", ruleID, group, strconv.FormatInt(n, 10))
}

// Summarise writes GroupData.More and GroupData.Summary.
func (d *GroupData) Summarise() {
	d.More = d.Count - len(d.Members)
	named := d.Members[:min(len(d.Members), MaxGroupSummary)]
	keys := make([]string, len(named))
	for i, m := range named {
		keys[i] = m.Key
	}
	d.Summary = strings.Join(keys, ", ")
	if rest := d.Count - len(named); rest > 0 {
		d.Summary += fmt.Sprintf(" and %d more", rest)
	}
	if d.Full {
		d.Summary += ", at least"
	}
}

// GroupSignal is the signal of a group whose span is over at due: the timer's, which says no more than n, and the one
// that its effects are rendered with.
func GroupSignal(ruleID, group string, n int64, due time.Time, data any) (json.RawMessage, error) {
	raw, err := Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("encode the group of %s: %w", ruleID, err)
	}
	signal, err := Marshal(Signal{
		ID: TimerID("group", GroupDecisionID(ruleID, group, n), 0), Source: TimerSource, Type: TimerGroup,
		Subject: group, Time: due, Data: raw, DataContentType: "application/json",
	})
	if err != nil {
		return nil, fmt.Errorf("encode the group of %s: %w", ruleID, err)
	}
	return signal, nil
}
