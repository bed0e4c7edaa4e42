package salvage

import (
	"encoding/json"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// stays says whether a message is better where it is.
func stays(queue string, body []byte) bool {
	if queue == loop.QueueInbox {
		return ofCanary(body) // all else goes: nobody has accepted it, and there is no other copy
	}
	var env loop.Envelope
	if json.Unmarshal(body, &env) != nil || env.V != loop.EnvelopeVersion {
		return true
	}
	return slices.ContainsFunc(env.Items, func(it loop.Item) bool { return it.Standby || canary(it) })
}

func canary(it loop.Item) bool {
	if it.Effect != nil {
		return it.Effect.RuleID == loop.CanaryRule
	}
	return ofCanary(it.Signal)
}

func ofCanary(event []byte) bool {
	var s heading
	return json.Unmarshal(event, &s) == nil && s.Source == loop.CanarySource
}

// late says whether an event is a canary that missed its receipt, or what calls itself one: ingest takes neither. Its
// own region would drop it, too.
func (m Mover) late(event []byte) bool {
	var s heading
	return json.Unmarshal(event, &s) == nil && s.Source == loop.CanarySource && s.Type == loop.CanaryType &&
		!s.Time.IsZero() && m.Now().Sub(s.Time) > loop.CanaryKeep
}

type heading struct {
	Source string    `json:"source"`
	Type   string    `json:"type"`
	Time   time.Time `json:"time"`
}
