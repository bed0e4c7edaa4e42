package loop

import (
	"encoding/json"
	"time"
)

// EnvelopeVersion is the format of the messages on `signals` and `actions`. An unknown version is retried, not
// dropped: a newer sender may be ahead of an older reader during a deployment.
const EnvelopeVersion = 1

// Envelope is one message; it may pack many items.
type Envelope struct {
	V     int    `json:"v"`
	Items []Item `json:"items"`
}

// Item carries one signal or one effect with what must travel with it.
type Item struct {
	AcceptedAt time.Time       `json:"acceptedAt"` // stamped once, by ingest; every copy carries it
	Input      string          `json:"input"`
	Standby    bool            `json:"standby,omitempty"` // a peer's copy, acted on only if the first region did not
	Attempt    int             `json:"attempt,omitempty"` // deliveries that failed; waiting does not count
	Hops       int             `json:"hops,omitempty"`    // causation only: signal -> effect -> outcome -> …
	Cause      []string        `json:"cause,omitempty"`   // signal keys that led here, oldest first
	Signal     json.RawMessage `json:"signal,omitempty"`  // CloudEvents JSON
	Effect     *Effect         `json:"effect,omitempty"`
	Quarantine *Quarantine     `json:"quarantine,omitempty"`

	// What is known of an effect that was sent without a claim (Effect.SendUnclaimed), until its claim is written.
	Unclaimed int  `json:"unclaimed,omitempty"` // attempts, of which the last may have been applied
	Delivered bool `json:"delivered,omitempty"` // the target took it

	// What earlier deliveries of a signal got done, so that trying the rest again does not send it all again.
	Left   []string `json:"left,omitempty"`   // the rules that have failed so far and still have to run; empty for all
	Timers []string `json:"timers,omitempty"` // ids of the timers that are on their way

	Sampled bool `json:"sampled,omitempty"` // the signal is in the sampled ledger; see Sampled
}

// Quarantine says why an item was put on a dead-letter queue. After a redrive only Rule is run again.
type Quarantine struct {
	Reason Code      `json:"reason"`
	Stage  string    `json:"stage"`
	Rule   string    `json:"rule,omitempty"`
	Detail string    `json:"detail,omitempty"`
	At     time.Time `json:"at"`
}

// Message is one queue message as a stage receives it.
type Message struct {
	ID       string
	Body     []byte
	SentAt   time.Time // zero where the queue does not say
	Receives int
	Trace    string // X-Ray trace header, "" where there is none
}

// Received is a message in someone's hands, for whoever polls by himself. Handle deletes it or gives it back; Group is
// the fair-queue group it was sent with.
type Received struct {
	Message
	Handle string
	Group  string
}

// Outgoing is one queue message as a stage sends it.
type Outgoing struct {
	Body  []byte
	Delay time.Duration // rounded up to whole seconds; at most MaxDelay
	Group string        // fair-queue group; the input on `signals`, the action on `actions`
}

// Encode writes the items as one message body.
func Encode(items ...Item) ([]byte, error) {
	return Marshal(Envelope{V: EnvelopeVersion, Items: items})
}
