package loop

import "time"

// Why is what a decision was made of. It travels with the effects and stands in their claims, so that a decision can
// still be explained when the rules have changed and the logs are gone. It is evidence, no part of what lands: regions
// that decide the same signal may have seen different entries. Its size is bounded (MaxWhyBytes).
type Why struct {
	Bundle string     `json:"bundle,omitempty"` // hash of the bundle; "" where the rules were never packed
	Source string     `json:"source"`           // of the signal: with its id it is what people know
	ID     string     `json:"id"`
	Time   time.Time  `json:"time"`
	When   string     `json:"when,omitempty"`   // the rule's condition as it was
	Values []Value    `json:"values,omitempty"` // what the condition looks at
	Window *WhyWindow `json:"window,omitempty"`
	Missed *WhyMissed `json:"missed,omitempty"` // why else is done; the rest is why its do was
	Group  *WhyGroup  `json:"group,omitempty"`  // of a group; source, id and time are its first signal's
}

// WhyMissed is what did not come true in time.
type WhyMissed struct {
	When  string    `json:"when"`
	Until time.Time `json:"until"` // what was accepted from here on came too late
}

// WhyGroup is what a group had gathered.
type WhyGroup struct {
	Keys    int       `json:"keys"`
	Full    bool      `json:"full,omitempty"` // at least
	Until   time.Time `json:"until"`          // when its span was over
	Members []Member  `json:"members"`        // the first of them
}

// Value is a part of the signal.
type Value struct {
	Name  string `json:"name"`  // signal.data.error_rate
	Value string `json:"value"` // JSON, cut off where it is long
}

// WhyWindow is what a window held when its episode opened or closed.
type WhyWindow struct {
	Held   int        `json:"held"`   // entries within the window's span
	Newest []WhyEntry `json:"newest"` // the newest of them, oldest first
}

// WhyEntry is one signal in a window.
type WhyEntry struct {
	Time      time.Time `json:"time"`
	SignalKey string    `json:"signalKey"`
	Value     float64   `json:"value,omitempty"` // what an aggregate is made of
	Clears    bool      `json:"clears,omitempty"`
	Misses    bool      `json:"misses,omitempty"` // `when` did not hold
}

// Bounds of a Why.
const (
	MaxWhyValues  = 8
	MaxWhyEntries = 8
	MaxWhyMembers = 16
	MaxWhyText    = 128     // bytes of a condition, a name or a value
	MaxWhyBytes   = 8 << 10 // as JSON; an effect and its claim have room for it (MaxEffectBytes)
)
