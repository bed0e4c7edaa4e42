package loop

import (
	"encoding/json"
	"time"
)

// Phase is the part of a rule that an effect comes from.
type Phase string

// Phases.
const (
	PhaseDo   Phase = "do"
	PhaseUndo Phase = "undo"
	PhaseElse Phase = "else" // of `verify`: what a do that was done did not bring about

	PhaseGuard Phase = "guard" // nothing that a rule does: a signal that counts against it
)

// Class says who prevents a second effect when an answer is lost (DESIGN section 5).
type Class string

// Effect classes.
const (
	ClassNative Class = "native" // our own outputs table: redoing it gives the same result
	ClassKeyed  Class = "keyed"  // the target honours an idempotency key within a horizon
	ClassFenced Class = "fenced" // the target compares our fence with the one it holds, and refuses an older one
	ClassSet    Class = "set"    // the target holds an absolute value: read back after ambiguity, then applied again
	ClassOnce   Class = "once"   // nobody prevents it: after ambiguity it is parked for a person, never sent again
)

// Decision is what a rule made of a signal: the effects to land, or why there are none.
type Decision struct {
	ID        string   `json:"id"`
	RuleID    string   `json:"rule"`
	Key       string   `json:"key"`
	Phase     Phase    `json:"phase"`
	Episode   int64    `json:"episode,omitempty"`
	SignalKey string   `json:"signalKey"`
	Effects   []Effect `json:"effects"`
	Joins     *Joining `json:"joins,omitempty"` // a group, whose decision it is; Effects then say no more than ids
	Why       *Why     `json:"why,omitempty"`   // each effect gets it as it is sent
}

// Effect is one action to land, rendered to the last byte, so that act needs no bundle: a deployment between
// two deliveries changes nothing that was decided.
type Effect struct {
	ID            string      `json:"id"`
	DecisionID    string      `json:"decisionID"`
	RuleID        string      `json:"rule"`
	Key           string      `json:"key"`
	Phase         Phase       `json:"phase"`
	Step          string      `json:"step"`
	Action        string      `json:"action"`
	SignalKey     string      `json:"signalKey"`
	Target        string      `json:"target"`
	Class         Class       `json:"class"`
	Fence         Fence       `json:"fence"`
	Request       *Request    `json:"request,omitempty"`       // nil where the target is an output
	Output        *OutputSpec `json:"output,omitempty"`        // the last known good output that it leaves
	Timeout       Duration    `json:"timeout"`                 // of one attempt
	ExpireAfter   Duration    `json:"expireAfter"`             // from acceptedAt
	Horizon       Duration    `json:"horizon,omitempty"`       // how long the target remembers the idempotency key
	Undoes        string      `json:"undoes,omitempty"`        // id of the do effect that this one takes back
	Emit          []Status    `json:"emit,omitempty"`          // final states that some rule wants to hear of
	Backoff       Backoff     `json:"backoff,omitzero"`        // between attempts; zero for the default
	Fallback      *Effect     `json:"fallback,omitempty"`      // what lands instead once this one is given up
	Shadow        bool        `json:"shadow,omitempty"`        // decided by a rule in shadow: recorded, never sent
	Throttle      Duration    `json:"throttle,omitempty"`      // apart from the other dos of its (rule, key)
	Budget        int         `json:"budget,omitempty"`        // effects that its rule may have an hour
	Approval      bool        `json:"approval,omitempty"`      // a person must approve it first
	SendUnclaimed bool        `json:"sendUnclaimed,omitempty"` // may be sent while claims cannot be reached; its claim is written afterwards
	Watched       Duration    `json:"watched,omitempty"`       // how long a worse signal counts against it
	Regression    *Regression `json:"regression,omitempty"`
	Why           *Why        `json:"why,omitempty"` // of the decision

	Verify      *Verification `json:"verify,omitempty"`      // what must come true once this is done
	InhibitedBy []RuleKey     `json:"inhibitedBy,omitempty"` // while one of these fires it is suppressed
}

// Regression bounds how many dos of a rule may be followed, within a time, by a signal that is worse. It is in effects
// of PhaseGuard only.
type Regression struct {
	Most   int      `json:"most"` // of the dos of a day (UTC)
	Within Duration `json:"within"`
}

// Backoff bounds the waits between the attempts of one effect: full jitter under Base doubled per failed
// attempt, at most Cap.
type Backoff struct {
	Base Duration `json:"base"`
	Cap  Duration `json:"cap"`
}

// Request is what a target is to be sent, rendered: an HTTP request, or the same shape for an AWS target, where
// URL is the resource (an ARN, a queue URL, s3://bucket/key, …), Method the API's action, and Headers its
// attributes. Secrets stand in it by reference only.
type Request struct {
	Method  string            `json:"method,omitempty"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
	Secret  string            `json:"secret,omitempty"` // ssm:/path of the secret
	// SecretIn says where the secret goes when the request is sent: SecretSigns, SecretIsURL, or the name of a
	// member that the JSON body gets.
	SecretIn string `json:"secretIn,omitempty"`
}

// Values of Request.SecretIn that are no member's name.
const (
	SecretSigns = ""    // it signs the request
	SecretIsURL = "url" // it is the URL; Request.URL then says which host that must be on
)

// OutputSpec is an output to write: its key and its JSON value.
type OutputSpec struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// Status is the state of an effect's claim. All but StatusClaimed are terminal.
type Status string

// States of a claim.
const (
	StatusClaimed    Status = "claimed"
	StatusDone       Status = "done"
	StatusParked     Status = "parked"     // a person must look
	StatusSuppressed Status = "suppressed" // by shadow mode, a silence, a throttle, a budget or a kill switch; or discarded
	StatusSuperseded Status = "superseded" // fenced out by a newer effect
	StatusExpired    Status = "expired"    // older than its expire_after
)

// Terminal says whether nothing more happens to the effect.
func (s Status) Terminal() bool { return s != StatusClaimed && s != "" }

// Claim is the one record that regions agree on about an effect. Token grows with every holder; whoever
// commits must still hold the token it claimed with.
type Claim struct {
	EffectID   string    `json:"effectID"`
	Status     Status    `json:"status"`
	Owner      string    `json:"owner"`               // region and invocation that holds it
	Token      int64     `json:"token"`               // of the present holder
	Deadline   time.Time `json:"deadline"`            // until when the holder may act
	NotBefore  time.Time `json:"notBefore,omitzero"`  // earliest next attempt, obeyed by every region
	Attempt    int       `json:"attempt"`             // attempts that failed
	Effect     Effect    `json:"effect"`              // rendered once; every later attempt sends these bytes
	GivenUp    bool      `json:"givenUp,omitempty"`   // parked because the target would not take it: its fallback lands
	Delivered  bool      `json:"delivered,omitempty"` // the target took it; its output is still to be written
	AcceptedAt time.Time `json:"acceptedAt"`
	UpdatedAt  time.Time `json:"updatedAt"`
	Evidence   string    `json:"evidence,omitempty"` // what the target said last
	RenewedAt  time.Time `json:"renewedAt,omitzero"` // when a person reopened it; see reopen.go
	SettledAt  time.Time `json:"settledAt,omitzero"` // when a person saw that no attempt was applied
	ApprovedBy string    `json:"approvedBy,omitempty"`
	LetThrough bool      `json:"letThrough,omitempty"` // no rule that inhibits it fired when it was first claimed
	Audit      []Audit   `json:"audit,omitempty"`      // what people did to it, oldest first
}

// ExpiresAt is when the effect may no longer start.
func (c Claim) ExpiresAt() time.Time { return c.since().Add(c.Effect.ExpireAfter.Std()) }
