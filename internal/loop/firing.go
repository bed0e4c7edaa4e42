package loop

import "time"

// RuleKey names a (rule, key).
type RuleKey struct {
	Rule string `json:"rule"`
	Key  string `json:"key"`
}

// Firing is an episode by the acceptance of the signals that opened and closed it: what other rules are inhibited by.
type Firing struct {
	N     int64     `json:"n"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until,omitzero"` // zero while it is open
}

// MaxFirings bounds what is remembered of a (rule, key): a decision asks about one moment of the near past.
const MaxFirings = 16

// FiringAt finds the episode that was open for signals accepted then.
func FiringAt(all []Firing, at time.Time) (Firing, bool) {
	for _, f := range all {
		if !at.Before(f.From) && (f.Until.IsZero() || at.Before(f.Until)) {
			return f, true
		}
	}
	return Firing{}, false
}
