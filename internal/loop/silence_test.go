package loop_test

import (
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

func TestMatchers(t *testing.T) {
	t.Parallel()
	e := loop.Effect{RuleID: "checkout-errors", Key: "shop/eu/cart", Action: "page", Step: "lead"}
	for text, want := range map[string]bool{
		"rule=checkout-errors": true, "rule=checkout": false, "rule!=checkout": true, "rule!=checkout-errors": false,
		"key=shop/*": true, "key=*cart": true, "key=shop/*/cart": true, "key=*eu*": true, "key=*": true, "key=shop/*/car": false,
		"key=**": true, "key=shop/eu/cart*": true, "key=a*": false, "key=*shop/eu/cart": true, "action=page": true, "step=lead": true, "step!=*": false,
	} {
		m, err := loop.ParseMatcher(text)
		if err != nil || m.Matches(e) != want || m.String() != text {
			t.Errorf("%s: matches %v, want %v; read as %q, %v", text, m.Matches(e), want, m, err)
		}
	}
	for text, says := range map[string]string{
		"rule": "rule=checkout-errors", "rule=": "write it like", "=x": "no \"\"", "rul=x": "rule, key", "key=" + strings.Repeat("x", 301): "300 bytes",
	} {
		if _, err := loop.ParseMatcher(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20s: %v", text, err)
		}
	}
	if (loop.Matcher{Field: "colour", Value: "*"}).Matches(e) || (loop.Matcher{Field: "colour", Not: true}).Matches(e) {
		t.Error("a field of a newer version matches everything")
	}
}

// A pattern of an operator's must not be able to hold act up.
func FuzzMatcher(f *testing.F) {
	f.Add("key=a*b*c*", "aabbcc")
	f.Add("key="+strings.Repeat("a*", 100), strings.Repeat("a", 1000))
	f.Fuzz(func(t *testing.T, text, key string) {
		m, err := loop.ParseMatcher(text)
		if err != nil {
			return
		}
		m.Matches(loop.Effect{Key: key})
		if !strings.Contains(m.Value, "*") && m.Field == "key" && m.Matches(loop.Effect{Key: key}) != ((m.Value == key) != m.Not) {
			t.Errorf("%s on %q", text, key)
		}
	})
}

func TestASilenceCoversItsAcceptances(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Date(2026, 3, 4, 5, 6, s, 0, time.UTC) }
	match := []loop.Matcher{{Field: "rule", Value: "r"}, {Field: "key", Value: "k"}}
	c, err := loop.Controls{}.WithSilence(loop.Silence{ID: "s", Match: match, From: at(10), Until: at(20), By: "ann"}, at(0))
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.WithSilence(loop.Silence{ID: "s"}, at(0))
	if err != nil || len(again.Silences) != 1 {
		t.Errorf("the same silence twice: %d, %v", len(again.Silences), err)
	}
	e := loop.Effect{RuleID: "r", Key: "k"}
	for second, want := range map[int]bool{9: false, 10: true, 19: true, 20: false} {
		if _, got := c.Silenced(e, at(second)); got != want {
			t.Errorf("accepted at %d: silenced %v", second, got)
		}
	}
	if _, got := c.Silenced(loop.Effect{RuleID: "r", Key: "other"}, at(15)); got {
		t.Error("one of two matchers is enough")
	}
	if _, got := (loop.Controls{Silences: []loop.Silence{{From: at(0), Until: at(30)}}}).Silenced(e, at(15)); got {
		t.Error("a silence that names nothing silences everything")
	}
}

// What was judged by the silence must be judged alike by whoever knows already that it was ended.
func TestEndingASilenceChangesNothingThatWasAccepted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC)
	c := loop.Controls{Silences: []loop.Silence{
		{ID: "on", Match: []loop.Matcher{{Field: "key", Value: "*"}}, From: now.Add(-time.Hour), Until: now.Add(time.Hour)},
		{ID: "coming", Match: []loop.Matcher{{Field: "rule", Value: "*"}}, From: now.Add(time.Hour), Until: now.Add(2 * time.Hour)},
	}}
	next, found, changed := c.WithoutSilence("on", now, "bob")
	if !found || !changed || next.Silences[0].EndedBy != "bob" || c.Silences[0].EndedBy != "" {
		t.Fatalf("%v %v %+v", found, changed, next.Silences[0])
	}
	for _, accepted := range []time.Duration{-time.Minute, 0, loop.SilenceLead - 1} {
		if _, still := next.Silenced(loop.Effect{}, now.Add(accepted)); !still {
			t.Errorf("accepted %s after its end was asked for: judged otherwise than by who does not know it", accepted)
		}
	}
	if _, still := next.Silenced(loop.Effect{}, now.Add(loop.SilenceLead)); still {
		t.Error("it does not end")
	}
	if _, _, changed = next.WithoutSilence("on", now.Add(time.Hour), "eve"); changed {
		t.Error("what has ended is ended again")
	}
	if next, _, _ = next.WithoutSilence("coming", now, "bob"); !next.Silences[1].Until.Equal(next.Silences[1].From) {
		t.Errorf("what never begins: %+v", next.Silences[1])
	}
	if _, found, _ = next.WithoutSilence("none", now, "bob"); found {
		t.Error("found one that is not there")
	}
}

func TestKillSwitches(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC)
	c, changed := loop.Controls{}.WithKill(loop.Kill{Scope: "r", By: "ann", Reason: "x", At: now})
	if again, twice := c.WithKill(loop.Kill{Scope: "r", By: "eve"}); !changed || twice || again.Kills[0].By != "ann" {
		t.Errorf("%v %v %+v", changed, twice, again.Kills)
	}
	all, _ := c.WithKill(loop.Kill{Scope: loop.ScopeAll, By: "bob", At: now})
	if _, on := all.Killed("other"); !on {
		t.Error("not all are stopped")
	}
	if left, changed := all.WithoutKill("r", now, "ann", "fixed"); !changed || len(left.Kills) != 1 || len(all.Kills) != 2 || len(left.Log) != 3 {
		t.Errorf("%v %+v", changed, left)
	}
	if _, changed := c.WithoutKill("none", now, "ann", "x"); changed {
		t.Error("revived what lives")
	}
}
