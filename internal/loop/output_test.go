package loop_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/unbroken/internal/loop"
)

// anOutput draws few values, so that versions and copies collide.
func anOutput(t *rapid.T, name string) loop.Output {
	return loop.Output{
		Key: "k", Value: json.RawMessage(`1`),
		Fence:     loop.EpisodeFence(rapid.Int64Range(1, 3).Draw(t, name+" n"), loop.PhaseDo),
		EffectID:  rapid.SampledFrom([]string{"e1", "e2"}).Draw(t, name+" effect"),
		Origin:    rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, name+" origin"),
		WrittenAt: time.Unix(rapid.Int64Range(0, 2).Draw(t, name+" at"), 0).UTC(),
	}
}

// Readers of all regions must agree without having agreed: an order that is none would show each another output.
func TestTheOrderOfOutputsIsOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anOutput(t, "a"), anOutput(t, "b"), anOutput(t, "c")
		if a.Compare(b) != -b.Compare(a) {
			t.Fatalf("%+v and %+v", a, b)
		}
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 && a.Compare(c) > 0 {
			t.Fatalf("%+v, %+v and %+v", a, b, c)
		}
		if a.Compare(b) == 0 && !reflect.DeepEqual(a, b) {
			t.Fatalf("%+v and %+v are told apart by nothing", a, b)
		}
		if v := a.CompareVersion(b); v != 0 && v != a.Compare(b) {
			t.Fatal("an older version won")
		}
	})
}

func TestAVersionNamesFenceEffectAndOrigin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anOutput(t, "a"), anOutput(t, "b")
		same := a.CompareVersion(b) == 0 && a.Origin == b.Origin
		if (a.Version() == b.Version()) != same {
			t.Fatalf("%+v is %s, %+v is %s", a, a.Version(), b, b.Version())
		}
	})
}

func TestAHistoryHasEachVersionOnceAndNewestFirst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) loop.Output { return anOutput(t, "o") }), 0, 20).Draw(t, "all")
		versions := map[string]bool{}
		for _, o := range all {
			versions[string(o.Fence)+o.EffectID] = true
		}
		got := loop.NewestVersions(append([]loop.Output(nil), all...))
		if len(got) != min(len(versions), loop.MaxOutputVersions) {
			t.Fatalf("%d of %d versions", len(got), len(versions))
		}
		for i := 1; i < len(got); i++ {
			if got[i-1].CompareVersion(got[i]) <= 0 {
				t.Fatalf("%+v before %+v", got[i-1], got[i])
			}
		}
	})
}

// One region replaced the version and no longer has its value; another one still has.
func TestAHistoryPrefersTheCopyThatHasItsValue(t *testing.T) {
	t.Parallel()
	whole := loop.Output{Fence: "1", EffectID: "e", Origin: "b", WrittenAt: time.Unix(9, 0), Value: json.RawMessage(`"` + strings.Repeat("x", loop.MaxEarlierBytes) + `"`)}
	rest := whole
	rest.Origin, rest.WrittenAt = "a", time.Unix(1, 0)
	rest = rest.Earlier()
	if !rest.Omitted || rest.Value != nil {
		t.Fatalf("%+v", rest)
	}
	for _, all := range [][]loop.Output{{whole, rest}, {rest, whole}} {
		if got := loop.NewestVersions(all); len(got) != 1 || got[0].Omitted {
			t.Errorf("%+v", got)
		}
	}
}
