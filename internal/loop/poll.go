package loop

import "time"

// Metric is one series that an input of kind poll reads from CloudWatch.
type Metric struct {
	Name       string            `yaml:"name"       json:"name"` // subject of its signals, and part of their ids
	Namespace  string            `yaml:"namespace"  json:"namespace"`
	Metric     string            `yaml:"metric"     json:"metric"`
	Dimensions map[string]string `yaml:"dimensions" json:"dimensions,omitempty"`
	Stat       string            `yaml:"stat"       json:"stat"`
	Region     string            `yaml:"region"     json:"region"` // where it is measured
}

// Cursor is how far an input of kind poll has been read, in `claims`: one region reads at a time, and another goes on
// where it stopped. The revision of the record is the fence: who lost it cannot move the cursor any more.
type Cursor struct {
	Owner   string               `json:"owner,omitempty"`  // the region that is reading
	Until   time.Time            `json:"until,omitzero"`   // how long the others leave it to that one
	Through time.Time            `json:"through,omitzero"` // the end of what has been read
	Last    map[string]time.Time `json:"last,omitempty"`   // by metric: the newest value that became a signal
	Page    string               `json:"page,omitempty"`   // of an endpoint: what it last said, hashed
}

// CursorKey is the key in `claims` of an input's cursor.
func CursorKey(input string) string { return "cursor#" + input }
