package loop

// Config is loop.yaml: the regions, inputs, rules and actions of one deployment. The file is parsed and checked
// by package rule; infra and the functions read the same value.
type Config struct {
	Prefix       string            `yaml:"prefix"        json:"prefix"`
	Regions      Regions           `yaml:"regions"       json:"regions"`
	StandbyDelay Duration          `yaml:"standby_delay" json:"standbyDelay"`
	Claim        Duration          `yaml:"claim"         json:"claim"` // how long one attempt may hold an effect
	EgressAllow  []string          `yaml:"egress_allow"  json:"egressAllow,omitempty"`
	Inputs       map[string]Input  `yaml:"inputs"        json:"inputs"`
	Rules        []Rule            `yaml:"rules"         json:"rules"`
	Actions      map[string]Action `yaml:"actions"       json:"actions"`
	Health       Health            `yaml:"health"        json:"health,omitzero"`
	DNS          DNS               `yaml:"dns"           json:"dns,omitzero"`
}

// DNS says which of the healthy regions the loop's name is answered with.
type DNS struct {
	Policy  string         `yaml:"policy"  json:"policy,omitempty"`  // latency | weighted | failover; "" is latency
	Weights map[string]int `yaml:"weights" json:"weights,omitempty"` // by loop region, with weighted
	Primary string         `yaml:"primary" json:"primary,omitempty"` // the loop region that is answered while healthy, with failover
}

// Values of DNS.Policy.
const (
	DNSLatency  = "latency"
	DNSWeighted = "weighted"
	DNSFailover = "failover"
)

// Health says what observers do and whom they tell that they live.
type Health struct {
	Drain     string `yaml:"drain"     json:"drain,omitempty"`     // automatic | operator: who drains a region
	Heartbeat string `yaml:"heartbeat" json:"heartbeat,omitempty"` // URL that every run of an observer calls
	Bounds    Bounds `yaml:",inline"   json:"bounds,omitzero"`
}

// Values of Health.Drain.
const (
	DrainAutomatic = "automatic"
	DrainOperator  = "operator"
)

// Regions of a deployment. Two loop regions and a witness, or three loop regions, carry every promise; one
// loop region works without the promises about regions.
type Regions struct {
	Loop    []string `yaml:"loop"    json:"loop"`
	Witness string   `yaml:"witness" json:"witness,omitempty"`
}

// All returns the loop regions and, where there is one, the witness.
func (r Regions) All() []string {
	all := append([]string(nil), r.Loop...)
	if r.Witness != "" {
		all = append(all, r.Witness)
	}
	return all
}

// Archives says whether any input is archived: only then are there a queue, a function and a bucket for it.
func (c *Config) Archives() bool {
	for _, in := range c.Inputs {
		if in.Archive {
			return true
		}
	}
	return false
}

// Polls says whether any input is read on a schedule.
func (c *Config) Polls() bool {
	for _, in := range c.Inputs {
		if in.Kind == KindPoll {
			return true
		}
	}
	return false
}

// Watches says whether any input is expected to be heard.
func (c *Config) Watches() bool {
	for _, in := range c.Inputs {
		if in.ExpectEvery > 0 {
			return true
		}
	}
	return false
}

// Rule says which signals mean what, and what to do then.
type Rule struct {
	ID     string           `yaml:"id"     json:"id"`
	Match  map[string][]any `yaml:"match"  json:"match"` // EventBridge pattern over the signal's attributes
	When   string           `yaml:"when"   json:"when,omitempty"`
	Key    string           `yaml:"key"    json:"key,omitempty"`
	Window *Window          `yaml:"window" json:"window,omitempty"`
	Until  string           `yaml:"until"  json:"until,omitempty"`
	Mode   string           `yaml:"mode"   json:"mode"` // enforce | shadow | off
	Do     []Step           `yaml:"do"     json:"do,omitempty"`
	Undo   []Step           `yaml:"undo"   json:"undo,omitempty"`

	Throttle Duration `yaml:"throttle" json:"throttle,omitempty"` // apart are the dos of one key
	Guard    Guard    `yaml:"guard"    json:"guard,omitzero"`
	Verify   *Verify  `yaml:"verify"   json:"verify,omitempty"`

	InhibitedBy []Inhibitor `yaml:"inhibited_by" json:"inhibitedBy,omitempty"`
	Group       *Group      `yaml:"group"        json:"group,omitempty"`
}

// Inhibitor is a rule that mutes another one while it fires, for the key that Key gives of the other one's signal.
type Inhibitor struct {
	Rule string `yaml:"rule" json:"rule"`
	Key  string `yaml:"key"  json:"key,omitempty"` // CEL; the other one's own key where it says nothing
}

// Verify closes the loop: once a do is done, When must hold for a signal of the key that is accepted within Within, or
// else Else is done.
type Verify struct {
	When   string   `yaml:"when"   json:"when"` // CEL
	Within Duration `yaml:"within" json:"within"`
	Else   []Step   `yaml:"else"   json:"else"`
}

// Guard keeps a rule within bounds.
type Guard struct {
	MaxPerHour int `yaml:"max_per_hour" json:"maxPerHour,omitempty"` // effects of signals accepted in one hour; 0 is no bound

	// A rule of which more than MaxRegressions dos of a day are followed within Within by a signal that is Worse stops
	// itself; 0 is no bound.
	MaxRegressions int      `yaml:"max_regressions" json:"maxRegressions,omitempty"`
	Worse          string   `yaml:"worse"           json:"worse,omitempty"` // CEL
	Within         Duration `yaml:"within"          json:"within,omitempty"`
}

// Stateful says whether the rule keeps episodes. Decide touches no table for one that does not.
func (r Rule) Stateful() bool { return r.Window != nil || r.Until != "" }

// Values of Rule.Mode.
const (
	ModeEnforce = "enforce"
	ModeShadow  = "shadow" // decides and records, acts not
	ModeOff     = "off"
)

// Step is one action taken by a decision. Its id is unique within its phase and part of the effect's id.
type Step struct {
	Step   string         `yaml:"step"   json:"step"`
	Action string         `yaml:"action" json:"action"`
	With   map[string]any `yaml:"with"   json:"with,omitempty"`

	Approval string `yaml:"approval" json:"approval,omitempty"` // "" | required: a person must approve it before it is sent
}

// ApprovalRequired is the one value of Step.Approval that says something.
const ApprovalRequired = "required"

// Values of Action.OnOutage: what becomes of an effect while the table claims cannot be reached.
const (
	OutageHold = "hold"
	OutageSend = "send"
)

// Action is a target with its effect class and its bounds. Strings may hold templates, `{{ CEL }}`.
type Action struct {
	To          string            `yaml:"to"           json:"to"`
	Effect      Class             `yaml:"effect"       json:"effect"`
	Fields      map[string]string `yaml:",inline"      json:"fields,omitempty"`     // what else the target asks for, in its own words: topic, bus, item, …
	Attributes  map[string]string `yaml:"attributes"   json:"attributes,omitempty"` // of a message; the dimensions of a metric
	URL         string            `yaml:"url"          json:"url,omitempty"`
	Method      string            `yaml:"method"       json:"method,omitempty"`
	Headers     map[string]string `yaml:"headers"      json:"headers,omitempty"`
	Body        any               `yaml:"body"         json:"body,omitempty"`   // message, detail, payload, input or content to other targets
	Secret      string            `yaml:"secret"       json:"secret,omitempty"` // ssm:/path, never a value
	Timeout     Duration          `yaml:"timeout"      json:"timeout"`
	ExpireAfter Duration          `yaml:"expire_after" json:"expireAfter"`
	Retry       Backoff           `yaml:"retry"        json:"retry,omitzero"`               // waits between attempts; zero for the default
	Fallback    string            `yaml:"fallback"     json:"fallback,omitempty"`           // the action that lands instead, once this one is given up
	Horizon     Duration          `yaml:"horizon"      json:"horizon,omitempty"`            // how long the target remembers an idempotency key
	OnOutage    string            `yaml:"on_claims_outage" json:"onClaimsOutage,omitempty"` // hold | send; "" is hold
	Output      string            `yaml:"output"       json:"output,omitempty"`             // key of the last known good output this action leaves
	Value       any               `yaml:"value"        json:"value,omitempty"`              // what is written there
}
