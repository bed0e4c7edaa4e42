package dns

import (
	"strings"
	"testing"
)

// policy has these checks unhealthy, and draws this number.
func policy(draw int64, sick ...string) Policy {
	return Policy{
		Near:    []string{"east", "west"},
		Healthy: func(id string) bool { return !strings.Contains(" "+strings.Join(sick, " ")+" ", " "+id+" ") },
		Draw:    func(int64) int64 { return draw },
	}
}

func values(answers []Record) string {
	var all []string
	for _, a := range answers {
		all = append(all, a.Values...)
	}
	return strings.Join(all, " ")
}

func record(health, value string, more func(*Record)) Record {
	r := Record{Name: "loop.test.", Type: "A", Set: value, TTL: 60, Values: []string{value}, Health: health}
	more(&r)
	return r
}

func latency(region string) func(*Record)   { return func(r *Record) { r.Region = region } }
func failoverOf(which string) func(*Record) { return func(r *Record) { r.Failover = which } }
func weight(w int64) func(*Record)          { return func(r *Record) { r.Weight = &w } }
func multi(r *Record)                       { r.Multi = true }
func ask(p Policy, records ...Record) string {
	a, _ := p.Answer(records, "LOOP.test", "A")
	return values(a)
}

func TestTheNearestHealthyRegionIsAnswered(t *testing.T) {
	t.Parallel()
	records := []Record{record("w", "2", latency("west")), record("e", "1", latency("east")), record("f", "3", latency("far"))}
	for sick, want := range map[string]string{"": "1", "e": "2", "w": "1", "e w": "3", "e w f": "1"} {
		if got := ask(policy(0, strings.Fields(sick)...), records...); got != want {
			t.Errorf("sick %q: answered %q, want %q", sick, got, want)
		}
	}
}

func TestTheSecondaryIsAnsweredWhileThePrimaryIsSick(t *testing.T) {
	t.Parallel()
	records := []Record{record("s", "2", failoverOf("SECONDARY")), record("p", "1", failoverOf("PRIMARY"))}
	for sick, want := range map[string]string{"": "1", "s": "1", "p": "2", "p s": "1"} {
		if got := ask(policy(0, strings.Fields(sick)...), records...); got != want {
			t.Errorf("sick %q: answered %q, want %q", sick, got, want)
		}
	}
	// A secondary without a check is always there.
	if got := ask(policy(0, "p"), record("p", "1", failoverOf("PRIMARY")), record("", "2", failoverOf("SECONDARY"))); got != "2" {
		t.Errorf("answered %q", got)
	}
}

func TestWeights(t *testing.T) {
	t.Parallel()
	records := []Record{record("a", "1", weight(3)), record("b", "2", weight(1)), record("c", "3", weight(0))}
	for _, tc := range []struct {
		draw int64
		sick string
		want string
	}{
		{0, "", "1"},
		{2, "", "1"},
		{3, "", "2"},
		{0, "a", "2"},
		{0, "b", "1"},
		{0, "a b", "3"}, // zero is for when nothing else is
		{3, "a b c", "2"},
	} {
		if got := ask(policy(tc.draw, strings.Fields(tc.sick)...), records...); got != tc.want {
			t.Errorf("draw %d, sick %q: answered %q, want %q", tc.draw, tc.sick, got, tc.want)
		}
	}
	if got := ask(policy(0), record("", "1", weight(0)), record("", "2", weight(0))); got == "" {
		t.Error("all weights zero: nothing is answered")
	}
}

func TestEveryHealthyMultivalueIsAnswered(t *testing.T) {
	t.Parallel()
	records := []Record{record("a", "1", multi), record("b", "2", multi), record("", "3", multi)}
	for sick, want := range map[string]string{"": "1 2 3", "a": "2 3", "a b": "3"} {
		if got := ask(policy(0, strings.Fields(sick)...), records...); got != want {
			t.Errorf("sick %q: answered %q, want %q", sick, got, want)
		}
	}
}

func TestAnAliasAnswersItsTarget(t *testing.T) {
	t.Parallel()
	records := []Record{
		{Name: "loop.test.", Type: "A", Region: "east", Alias: "East.loop.test", Health: "e"},
		{Name: "loop.test.", Type: "A", Region: "west", Alias: "west.loop.test.", Health: "w"},
		{Name: "east.loop.test.", Type: "A", TTL: 7, Values: []string{"127.0.1.1"}},
		{Name: "west.loop.test.", Type: "A", TTL: 9, Values: []string{"127.0.1.2"}},
		{Name: "circle.test.", Type: "A", Alias: "circle.test."},
		{Name: "nowhere.test.", Type: "A", Alias: "elsewhere.test."},
		{Name: "www.test.", Type: "CNAME", TTL: 5, Values: []string{"loop.test."}},
	}
	p := policy(0, "e")
	got, _ := p.Answer(records, "loop.test", "A")
	if len(got) != 1 || got[0].Name != "loop.test." || got[0].TTL != 9 || values(got) != "127.0.1.2" {
		t.Errorf("%+v", got)
	}
	for name, want := range map[string]string{"circle.test": "", "nowhere.test": "", "www.test": "loop.test."} {
		if got, found := p.Answer(records, name, "A"); !found || values(got) != want {
			t.Errorf("%s: %v %+v", name, found, got)
		}
	}
	if _, found := p.Answer(records, "unknown.test", "A"); found {
		t.Error("an unknown name is found")
	}
	if got, found := p.Answer(records, "loop.test", "AAAA"); !found || len(got) > 0 {
		t.Errorf("a type that is not there: %v %+v", found, got)
	}
}
