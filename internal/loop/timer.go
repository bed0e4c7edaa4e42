package loop

import (
	"strconv"
	"time"
)

// A timer is a delayed signal of the loop's own: what must happen if nothing happens. It travels like a mirrored
// signal: to the own region's `signals`, and to a peer's marked standby.
const (
	TimerSource = OwnSourcePrefix + "timer"
	TimerPrefix = "unbroken.timer."      // of the types
	TimerAbsent = TimerPrefix + "absent" // look whether a key has been silent; the subject is the key
	TimerVerify = TimerPrefix + "verify" // look whether a do that is done brought about what it should
	TimerGroup  = TimerPrefix + "group"  // decide what a group has gathered; the subject is the group

	// MaxLeg is how far a timer travels in one message; the rest of the way it is sent again. It leaves room below
	// MaxDelay for clocks that differ.
	MaxLeg = MaxDelay * 14 / 15
)

// AbsentData is the data of a TimerAbsent signal, with which the do of a key that fell silent is rendered.
type AbsentData struct {
	Rule  string    `json:"rule"`
	Since time.Time `json:"since"` // event time of the key's newest signal
}

// TimerID names a timer: of several that follow from one decision each has its ordinal. Duplicates have the same id.
func TimerID(kind, decisionID string, ordinal int) string {
	return H("timer", kind, decisionID, strconv.Itoa(ordinal))
}
