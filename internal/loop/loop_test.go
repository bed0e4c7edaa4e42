package loop_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/unbroken/internal/loop"
)

func TestDurationReadsDaysAndRefusesNonsense(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "0s": 0, "2h30m": 150 * time.Minute,
	} {
		if got, err := loop.ParseDuration(in); err != nil || got.Std() != want {
			t.Errorf("%q: got %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "5", "-1s", "-1d", "1.5d", "d", "1w", "99999999d", "1d-2h", "+1d"} {
		if got, err := loop.ParseDuration(in); err == nil {
			t.Errorf("%q was read as %v", in, got)
		}
	}
}

func TestDurationRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := loop.Duration(rapid.Int64Range(0, int64(1000*24*time.Hour)).Draw(t, "d"))
		got, err := loop.ParseDuration(d.String())
		if err != nil || got != d {
			t.Fatalf("%v: got %v, %v", d, got, err)
		}
	})
}

// Text order of positions and fences must be their order: tables compare them as strings.
func TestTextOrderIsOrder(t *testing.T) {
	t.Parallel()
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
	})
	rapid.Check(t, func(t *rapid.T) {
		p := loop.Position{Time: at.Draw(t, "p"), SignalKey: rapid.SampledFrom([]string{"aa", "bb", "cc"}).Draw(t, "pk")}
		q := loop.Position{Time: at.Draw(t, "q"), SignalKey: rapid.SampledFrom([]string{"aa", "bb", "cc"}).Draw(t, "qk")}
		if (p.String() < q.String()) != (p.Compare(q) < 0) {
			t.Fatalf("%s and %s", p, q)
		}
		if back, err := loop.ParsePosition(p.String()); err != nil || back != p {
			t.Fatalf("%s came back as %s, %v", p, back, err)
		}
		n, m := rapid.Int64Range(1, 4e12).Draw(t, "n"), rapid.Int64Range(1, 4e12).Draw(t, "m")
		if (loop.EpisodeFence(n, loop.PhaseUndo) < loop.EpisodeFence(m, loop.PhaseDo)) != (n < m) {
			t.Fatalf("fences of %d undo and %d do", n, m)
		}
	})
}

func TestUndoFenceFollowsItsDo(t *testing.T) {
	t.Parallel()
	if loop.EpisodeFence(7, loop.PhaseDo) >= loop.EpisodeFence(7, loop.PhaseUndo) {
		t.Error("the undo of an episode must be fenced behind its do")
	}
}

func TestPeersAreTheRingFromARegionOn(t *testing.T) {
	t.Parallel()
	ring := []string{"a", "b", "c"}
	for region, want := range map[string][]string{"a": {"b", "c"}, "b": {"c", "a"}, "c": {"a", "b"}, "x": nil} {
		if got := loop.Peers(ring, region); !slices.Equal(got, want) {
			t.Errorf("peers of %s are %q, want %q", region, got, want)
		}
		if got := loop.Peer(ring, region); len(want) > 0 && got != want[0] || len(want) == 0 && got != "" {
			t.Errorf("the peer of %s is %q", region, got)
		}
	}
	if !slices.Equal(ring, []string{"a", "b", "c"}) {
		t.Errorf("the ring became %q", ring)
	}
	if got := loop.Peer([]string{"a"}, "a"); got != "" {
		t.Errorf("a lone region has the peer %q", got)
	}
}

func TestSignalHasOneForm(t *testing.T) {
	t.Parallel()
	s := loop.Signal{
		ID: "1", Source: "shop/a", Type: "com.example.x", Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		Data: json.RawMessage(`{"a":1}`), Extensions: map[string]string{"zone": "b", "app": "c"},
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"specversion":"1.0","type":"com.example.x","source":"shop/a","id":"1","time":"2026-01-02T03:04:05.000000006Z","data":{"a":1},"app":"c","zone":"b"}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}

func TestOnlyAClaimInProgressIsNotTerminal(t *testing.T) {
	t.Parallel()
	open := []loop.Status{loop.StatusClaimed, ""}
	for _, s := range []loop.Status{"", loop.StatusClaimed, loop.StatusDone, loop.StatusParked, loop.StatusSuppressed, loop.StatusSuperseded, loop.StatusExpired} {
		if s.Terminal() == slices.Contains(open, s) {
			t.Errorf("%q: terminal is %v", s, s.Terminal())
		}
	}
}

// The sample is decided by the key alone, and is 1 % of the keys.
func TestOneInAHundredSignalsIsSampled(t *testing.T) {
	t.Parallel()
	n := 0
	for i := range 100_000 {
		if loop.Sampled(loop.SignalKey("shop", fmt.Sprint(i))) {
			n++
		}
	}
	if n < 900 || n > 1100 {
		t.Errorf("%d of 100000 are sampled", n)
	}
	if loop.Sampled("") || loop.Sampled("zzzz") || !loop.Sampled("0000") || loop.Sampled("028f") || !loop.Sampled("028e") {
		t.Error("the bound is not at 655 of 65536")
	}
}

// json.Marshal makes six bytes of each of these, so that a signal within the limits would leave them on its way.
func TestNothingIsEscapedForHTML(t *testing.T) {
	t.Parallel()
	s := loop.Signal{ID: "<1>", Source: "a&b", Type: "t", Data: json.RawMessage(`"<&>"`), Extensions: map[string]string{"x": "<"}}
	want := `{"specversion":"1.0","type":"t","source":"a&b","id":"<1>","data":"<&>","x":"<"}`
	signal, err := loop.Marshal(s)
	if err != nil || string(signal) != want {
		t.Errorf("%s, %v", signal, err)
	}
	body, err := loop.Encode(loop.Item{Input: "<i>", Signal: signal, Effect: &loop.Effect{Request: &loop.Request{Body: "<b>"}}})
	if err != nil || bytes.Contains(body, []byte(`\u00`)) || bytes.HasSuffix(body, []byte("\n")) || !bytes.Contains(body, []byte(want)) {
		t.Errorf("%q, %v", body, err)
	}
	if _, err := loop.Marshal(func() {}); err == nil {
		t.Error("wrote a function")
	}
}
