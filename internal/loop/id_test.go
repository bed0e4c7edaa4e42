package loop_test

import (
	"testing"

	"pgregory.net/rapid"

	"example.com/unbroken/internal/loop"
)

// The vectors were computed apart from this code (SHA-256 over fields, each behind four big-endian length bytes).
// They never change: two regions on two versions must name the same thing the same way.
func TestIDsMatchGoldenVectors(t *testing.T) {
	t.Parallel()
	const (
		signal = "eecf7e48e30977fb708b6627804223b17d3f973aeba37548caa4a02210dd9eb4"
		do     = "c613738972523f38b566129488296f14782ed6596bf00b54c17e571e4f947e0d"
		effect = "09a3ad894bd4933a2dbc3f4c58fa3f648e5a74fa2e34422413f2716b9bfd7324"
	)
	for _, c := range []struct{ name, got, want string }{
		{"signal", loop.SignalKey("shop/checkout", "e-1"), signal},
		{"stateless decision", loop.SignalDecisionID(signal, "checkout-errors"), "ef68990d65366e5d614ffc9e5f64c0e839741745070044b142eb0343971c638d"},
		{"episode do", loop.EpisodeDecisionID("checkout-errors", "shop/checkout", 1764000000000, loop.PhaseDo), do},
		{"episode undo", loop.EpisodeDecisionID("checkout-errors", "shop/checkout", 1764000000000, loop.PhaseUndo), "df06cf2c9f311cedd4f1ebd03a40195c32f1a57ba21e0f8f77e691e82f9d10c5"},
		{"effect", loop.EffectID(do, "shed"), effect},
		{"fallback", loop.FallbackID(effect), "cac69820931d0a8930b76f8a5bcd3ca93819bae8e77bc817fa587c0808a71913"},
		{"outcome", loop.OutcomeID(effect, loop.StatusDone), "20a88ba52af14df3e8aa83067a2025bdd447f829e3aa8a19e55ad85d0217955a"},
		{"key hash of UTF-8", loop.KeyHash("käse/ø"), "9c24b088794eca257c3d8dc366f56f4bcadf3872154d0c384590c2b3e18dda6c"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, c.got, c.want)
		}
	}
}

// Without the length prefix, moving a byte from one field to the next would give the same id.
func TestMovingABoundaryChangesTheID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringN(1, 40, -1).Draw(t, "s")
		runes := []rune(s)
		i, j := rapid.IntRange(0, len(runes)).Draw(t, "i"), rapid.IntRange(0, len(runes)).Draw(t, "j")
		same := loop.H("sig", string(runes[:i]), string(runes[i:])) == loop.H("sig", string(runes[:j]), string(runes[j:]))
		if same != (i == j) {
			t.Fatalf("boundaries %d and %d of %q: same id is %v", i, j, s, same)
		}
	})
}
