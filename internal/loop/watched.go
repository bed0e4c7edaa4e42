package loop

import "time"

// WatcherSource is the source of the signals that say how inputs fare.
const WatcherSource = OwnSourcePrefix + "observer"

// Types of those signals; the subject is the input. InputTypePrefix is refused from outside.
const (
	InputTypePrefix    = "unbroken.input."
	TypeInputStalled   = InputTypePrefix + "stalled"   // and its standby is active
	TypeInputRecovered = InputTypePrefix + "recovered" // and its standby is no longer needed
)

// Watched is what the loop knows of an input that is expected to say something every so often. It stands in `claims`,
// where all regions see the same: each switch is made once, by whichever observer comes first.
type Watched struct {
	Input   string    `json:"input"`
	Stalled bool      `json:"stalled"`           // its standby, if it has one, is active
	N       int       `json:"n"`                 // switches so far
	Since   time.Time `json:"since"`             // the last switch; before the first one, when the watch began
	Began   time.Time `json:"began"`             // when the watch began: silence before it does not count
	Steady  time.Time `json:"steady,omitzero"`   // while stalled: since when it has been heard without a gap; zero for not at all
	Silent  []string  `json:"silent,omitempty"`  // the regions that heard nothing, at the last switch
	Pending bool      `json:"pending,omitempty"` // the signal about the last switch is not known to be sent
}

// Heard is a region's note that an input took a signal.
type Heard struct {
	At time.Time `json:"at"`
}

// HeardKey is the key in `outputs` of the notes about an input; each region writes its own, under its name.
func HeardKey(input string) string { return "heard#" + input }

// WatchedKey is the key in `claims` of what is known of an input.
func WatchedKey(input string) string { return "watched#" + input }
