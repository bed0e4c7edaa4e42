package loop

import (
	"encoding/json"
	"fmt"
	"time"
)

// Verification is what must come true once a do is done, and what lands if it does not. It travels with the effect, so
// that whoever lands it needs no bundle.
type Verification struct {
	Within  Duration  `json:"within"`
	Settle  Duration  `json:"settle"`  // what is accepted in time has been decided this long after
	Ordinal int       `json:"ordinal"` // of the step
	After   time.Time `json:"after"`   // event time of the signal that was decided: what speaks for the do comes later
	Else    []Effect  `json:"else"`
}

// VerifyData is the data of a TimerVerify signal.
type VerifyData struct {
	Rule  string    `json:"rule"`
	After time.Time `json:"after"`         // see Verification
	Since time.Time `json:"since"`         // when the signal that was decided was accepted
	Until time.Time `json:"until"`         // what is accepted from here on comes too late
	Why   *Why      `json:"why,omitempty"` // of the do
	Else  []Effect  `json:"else"`
}

// VerifyTimer is the timer that a claim starts when its effect is done. It is made from what is stored, so that every
// region and every repetition makes the same one. It fires when Settle is over.
func VerifyTimer(done Claim, item Item) (Item, error) {
	v := done.Effect.Verify
	until := done.UpdatedAt.Add(v.Within.Std()).UTC()
	data, err := Marshal(VerifyData{
		Rule: done.Effect.RuleID, After: v.After, Since: done.AcceptedAt, Until: until, Why: done.Effect.Why, Else: v.Else,
	})
	if err != nil {
		return Item{}, fmt.Errorf("encode the verification of %s: %w", done.EffectID, err)
	}
	signal, err := Marshal(Signal{
		ID: TimerID("verify", done.Effect.DecisionID, v.Ordinal), Source: TimerSource, Type: TimerVerify,
		Subject: done.Effect.Key, Time: until, Data: json.RawMessage(data), DataContentType: "application/json",
	})
	if err != nil {
		return Item{}, fmt.Errorf("encode the verification of %s: %w", done.EffectID, err)
	}
	return Item{
		AcceptedAt: until.Add(v.Settle.Std()), Input: TimerSource, Standby: item.Standby, Hops: item.Hops, Cause: item.Cause, Signal: signal,
	}, nil
}
