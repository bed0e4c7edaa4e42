package salvage

import (
	"encoding/json"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// read gives the items of an envelope of this version on signals or actions: of all else, none.
func read(queue string, body []byte) []loop.Item {
	var env loop.Envelope
	if queue == loop.QueueInbox || json.Unmarshal(body, &env) != nil || env.V != loop.EnvelopeVersion {
		return nil
	}
	return env.Items
}

// stays says whether a message is better where it is.
func stays(queue string, body []byte, items []loop.Item) bool {
	if queue == loop.QueueInbox {
		return ofCanary(body) // all else goes: nobody has accepted it, and there is no other copy
	}
	return len(items) == 0 || slices.ContainsFunc(items, func(it loop.Item) bool { return it.Standby || canary(it) })
}

// every says something of all items, of which there is one at least.
func every(items []loop.Item, is func(loop.Item) bool) bool {
	return len(items) > 0 && !slices.ContainsFunc(items, func(it loop.Item) bool { return !is(it) })
}

// young says whether an item may live on. A message that is renewed begins its time in the queue again; one that was so
// for ever would outlive the claim that says that its effect is done.
func (m Mover) young(it loop.Item) bool { return m.Now().Sub(it.AcceptedAt) < loop.SourceRetention }

// past says whether an item is a standby copy that SQS would have deleted by now if it had never been renewed.
func (m Mover) past(it loop.Item) bool { return it.Standby && !it.AcceptedAt.IsZero() && !m.young(it) }

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

// late says whether a message is nothing but canaries that nobody waits for any more.
func (m Mover) late(queue string, body []byte, items []loop.Item) bool {
	if queue == loop.QueueInbox {
		return m.lateEvent(body)
	}
	return every(items, func(it loop.Item) bool {
		if it.Effect != nil {
			return canary(it) && !it.AcceptedAt.IsZero() && m.Now().Sub(it.AcceptedAt) > loop.CanaryKeep
		}
		return m.lateEvent(it.Signal)
	})
}

// lateEvent says whether an event is a canary that missed its receipt, or what calls itself one: ingest takes neither. Its
// own region would drop it, too.
func (m Mover) lateEvent(event []byte) bool {
	var s heading
	return json.Unmarshal(event, &s) == nil && s.Source == loop.CanarySource && s.Type == loop.CanaryType &&
		!s.Time.IsZero() && m.Now().Sub(s.Time) > loop.CanaryKeep
}

type heading struct {
	Source string    `json:"source"`
	Type   string    `json:"type"`
	Time   time.Time `json:"time"`
}
