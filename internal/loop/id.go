package loop

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

// H is the one way ids are made: lowercase-hex SHA-256 over fields, each preceded by its length in four
// big-endian bytes. The first field is always a kind tag, so ids of different kinds never collide, and the
// length prefix keeps ("ab","c") apart from ("a","bc"). Ids never contain a region, a wall-clock time, an
// attempt or a rule version: every region and every retry computes the same one.
func H(fields ...string) string {
	var stack [512]byte
	buf := stack[:0]
	for _, f := range fields {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(f))) //nolint:gosec // a field is bounded by the 256 KiB signal limit
		buf = append(buf, f...)
	}
	sum := sha256.Sum256(buf)
	var out [2 * sha256.Size]byte
	hex.Encode(out[:], sum[:])
	return string(out[:])
}

// SignalKey identifies a signal in every region: CloudEvents makes source + id unique.
func SignalKey(source, id string) string { return H("sig", source, id) }

// SignalDecisionID names the decision of a stateless rule about one signal.
func SignalDecisionID(signalKey, ruleID string) string { return H("signal", signalKey, ruleID) }

// EpisodeDecisionID names the decision that opens (PhaseDo) or closes (PhaseUndo) episode n of a (rule, key).
func EpisodeDecisionID(ruleID, key string, n int64, phase Phase) string {
	return H("episode", ruleID, key, strconv.FormatInt(n, 10), string(phase))
}

// ElseDecisionID names the decision about a stateless rule's signal that what it did brought nothing about.
func ElseDecisionID(signalKey, ruleID string) string {
	return H("signal", signalKey, ruleID, string(PhaseElse))
}

// EffectID names one step of a decision; step ids are unique within do, undo and else.
func EffectID(decisionID, step string) string { return H("effect", decisionID, step) }

// RegressionID names the decision that a signal counts against a rule.
func RegressionID(signalKey, ruleID string) string { return H("regression", signalKey, ruleID) }

// FallbackID is the id of the effect that lands once another one is given up.
func FallbackID(effectID string) string { return H("fallback", effectID) }

// OutcomeID names the outcome of an effect that ended in status; a repeated emission has the same id.
func OutcomeID(effectID string, status Status) string {
	return H("outcome", effectID, string(status))
}

// KeyHash is the form in which a user's key stands inside a table key: fixed length, no separators.
func KeyHash(key string) string { return H("key", key) }
