package loop

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// Bounds of outputs. An item of the table holds the present version whole and the earlier ones as far as they are
// small: 256 KiB + 10 × (8 KiB + a line) stays well below the 400 KB that DynamoDB allows.
const (
	MaxOutputKeyBytes = 1024    // with prefix and region it is a partition key, which has at most 2048
	MaxOutputVersions = 10      // of one key and region, the present one among them
	MaxEarlierBytes   = 8 << 10 // of an earlier version's value; a larger one is not kept
)

// ContentJSON is what every value is today.
const ContentJSON = "application/json"

// Output is a last known good output as stored: one present version per (key, region), and the ones before it.
type Output struct {
	Key         string          `json:"key"`
	Value       json.RawMessage `json:"value,omitempty"` // nil where Omitted, and in listings
	Omitted     bool            `json:"omitted,omitempty"`
	ContentType string          `json:"contentType,omitempty"` // of the value
	Fence       Fence           `json:"fence"`
	Origin      string          `json:"origin"` // the region that wrote it
	EffectID    string          `json:"effectID"`
	RuleID      string          `json:"rule"`
	WrittenAt   time.Time       `json:"writtenAt"`
}

// CompareVersion orders versions of one key: by fence, and where one decision wrote the key in two steps, by effect.
// So the regions agree on the greatest one without having agreed. 0 means that it is the same effect's.
func (o Output) CompareVersion(p Output) int {
	return cmp.Or(cmp.Compare(o.Fence, p.Fence), cmp.Compare(o.EffectID, p.EffectID))
}

// Compare orders the copies of a version that several regions wrote behind CompareVersion: the greater one is the one
// that was written first, so that every reader shows the same.
func (o Output) Compare(p Output) int {
	return cmp.Or(o.CompareVersion(p), p.WrittenAt.Compare(o.WrittenAt), cmp.Compare(p.Origin, o.Origin))
}

// Version names this version of the key wherever it is read. It is short, and fit for an entity tag.
func (o Output) Version() string {
	return H("version", string(o.Fence), o.EffectID, o.Origin)[:32]
}

// Earlier is what remains of the version once there is a newer one.
func (o Output) Earlier() Output {
	if len(o.Value) > MaxEarlierBytes {
		o.Value, o.Omitted = nil, true
	}
	return o
}

// NewestVersions brings the versions that several regions hold of one key into one history: newest first, each
// version once, at most MaxOutputVersions of them.
func NewestVersions(all []Output) []Output {
	slices.SortFunc(all, func(a, b Output) int {
		// A region that has newer ones holds less of the same version.
		return cmp.Or(b.CompareVersion(a), cmp.Compare(len(b.Value), len(a.Value)), b.Compare(a))
	})
	all = slices.CompactFunc(all, func(a, b Output) bool { return a.CompareVersion(b) == 0 })
	return all[:min(len(all), MaxOutputVersions)]
}
