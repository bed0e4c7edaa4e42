package loop

// Window says when the signals of one key open an episode. It has exactly one kind, which decides what its other
// fields mean:
//
//	{count: 3, within: 5m}                              three hits within five minutes
//	{for: 2m}                                           `when` held at every signal for two minutes
//	{avg: signal.data.latency_ms, over: 5m, above: 800} also sum, min, max, p95, and rate (of a counter, per second)
//	{all: [{name: …, match: …, when: …}, …], within: 5m} several conditions on one key
//	{absent: 10m}                                       a key that was heard of, and fell silent
type Window struct {
	Count  int         `yaml:"count"  json:"count,omitempty"`
	Within Duration    `yaml:"within" json:"within,omitempty"` // of count and all
	For    Duration    `yaml:"for"    json:"for,omitempty"`
	Of     string      `yaml:"-"      json:"of,omitempty"`    // avg | sum | min | max | p95 | rate
	Value  string      `yaml:"-"      json:"value,omitempty"` // CEL that gives a number, of Of
	Over   Duration    `yaml:"over"   json:"over,omitempty"`
	Above  *float64    `yaml:"above"  json:"above,omitempty"` // one of above and below
	Below  *float64    `yaml:"below"  json:"below,omitempty"`
	All    []Condition `yaml:"all"    json:"all,omitempty"`
	Absent Duration    `yaml:"absent" json:"absent,omitempty"`

	Lateness   Duration `yaml:"lateness"    json:"lateness"`             // entries later than this behind the key's newest are suppressed
	MaxEntries int      `yaml:"max_entries" json:"maxEntries,omitempty"` // what a window holds of one key; beyond it the newest win
}

// Condition is one of those that must coincide in an `all` window.
type Condition struct {
	Name  string           `yaml:"name"  json:"name"`
	Match map[string][]any `yaml:"match" json:"match"`
	When  string           `yaml:"when"  json:"when,omitempty"`
}

// Aggregates of a window's values.
const (
	AggregateAvg  = "avg"
	AggregateSum  = "sum"
	AggregateMin  = "min"
	AggregateMax  = "max"
	AggregateP95  = "p95"
	AggregateRate = "rate"
)

// Aggregates are the words for Window.Of.
func Aggregates() []string {
	return []string{AggregateAvg, AggregateSum, AggregateMin, AggregateMax, AggregateP95, AggregateRate}
}

// Bounds of a window.
const (
	DefaultMaxEntries = 10_000
	MostEntries       = 100_000 // reading more for one decision takes longer than a function has
	MaxConditions     = 16
)

// Bound is how many entries of one key the window holds.
func (w Window) Bound() int {
	if w.MaxEntries == 0 {
		return DefaultMaxEntries
	}
	return w.MaxEntries
}
