package loop

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Position orders the signals of one (rule, key): by event time, then by signal key.
type Position struct {
	Time      time.Time `json:"time"`
	SignalKey string    `json:"signalKey"`
}

// positionTime is RFC 3339 with all nine digits, so that text order is time order.
const positionTime = "2006-01-02T15:04:05.000000000Z"

// String is the sort key under which a window entry stands: `{time}#{signalKey}`.
func (p Position) String() string { return TimeKey(p.Time) + "#" + p.SignalKey }

// TimeKey is t in the fixed-width form whose text order is time order.
func TimeKey(t time.Time) string { return t.UTC().Format(positionTime) }

// ParsePosition reads what String wrote.
func ParsePosition(s string) (Position, error) {
	at, key, ok := strings.Cut(s, "#")
	t, err := time.Parse(positionTime, at)
	if !ok || err != nil {
		return Position{}, fmt.Errorf("%q is not a position of the form {time}#{signalKey}", s)
	}
	return Position{Time: t, SignalKey: key}, nil
}

// Compare returns -1, 0 or 1.
func (p Position) Compare(q Position) int {
	if c := p.Time.Compare(q.Time); c != 0 {
		return c
	}
	return cmp.Compare(p.SignalKey, q.SignalKey)
}

// After says whether p comes later than q.
func (p Position) After(q Position) bool { return p.Compare(q) > 0 }

// Fence orders an effect among those of its (rule, key); the greater one wins. Text order is fence order, so
// that a target can compare fences without parsing them.
type Fence string

// EpisodeFence is 2n for the do of episode n and 2n+1 for its undo.
func EpisodeFence(n int64, phase Phase) Fence {
	seq := 2 * n
	if phase == PhaseUndo {
		seq++
	}
	return Fence(fmt.Sprintf("%020d", seq))
}

// SignalFence is (time, signalKey), for rules without episodes.
func SignalFence(p Position) Fence { return Fence(p.String()) }

// Else orders what is done else behind its do and before everything that is decided later.
func (f Fence) Else() Fence { return f + "+" }
