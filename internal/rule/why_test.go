package rule

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/unbroken/internal/loop"
)

func TestWhyHoldsWhatTheConditionLooksAt(t *testing.T) {
	t.Parallel()
	p, ev := explained(t, `{type: [t]}`, `signal.data.rate > 5.0 && signal.data.rate < 9.0 && (signal.data.zone.name == "a" || signal.subject == "k")`,
		`{"type":"t","source":"s","id":"1","subject":"k","data":{"rate":6.50,"zone":7}}`)
	p.set.hash = "h"
	why := p.Why(ev)
	if why.Bundle != "h" || why.ID != "1" || why.Source != "s" || !strings.HasPrefix(why.When, "signal.data.rate > 5.0") {
		t.Errorf("%+v", why)
	}
	if got := fmt.Sprint(why.Values); got != `[{signal.data.rate 6.50} {signal.subject "k"}]` {
		t.Error(got)
	}
}

// Whatever a signal holds, its explanation has room in the claim.
func TestWhyIsBounded(t *testing.T) {
	t.Parallel()
	var when []string
	var data []string
	for i := range 3 * loop.MaxWhyValues {
		when = append(when, fmt.Sprintf(`signal.data.%s%d != "x"`, strings.Repeat("n", 100), i))
		data = append(data, fmt.Sprintf(`"%s%d":"%s"`, strings.Repeat("n", 100), i, strings.Repeat(`\"é`, 1000)))
	}
	id := strings.Repeat(`\\`, 1000)
	p, ev := explained(t, `{type: [t]}`, strings.Join(when, " || "), fmt.Sprintf(`{"type":"t","source":"%s","id":"%s","data":{%s}}`, id, id, strings.Join(data, ",")))
	p.set.hash = loop.H("x")
	why := p.Why(ev)
	why.Window = &loop.WhyWindow{Held: 1 << 40}
	for range loop.MaxWhyEntries {
		why.Window.Newest = append(why.Window.Newest, loop.WhyEntry{Time: ev.Time(), SignalKey: loop.H("x"), Value: -1.2345678901234567e-300, Clears: true, Misses: true})
	}
	why.Missed = &loop.WhyMissed{When: why.When, Until: ev.Time()}
	b, err := loop.Marshal(why)
	if err != nil || len(b) > loop.MaxWhyBytes || len(why.Values) != loop.MaxWhyValues {
		t.Errorf("%d bytes, %d values, %v", len(b), len(why.Values), err)
	}
	for _, v := range why.Values {
		if !utf8.ValidString(v.Value) || len(v.Value) > loop.MaxWhyText {
			t.Errorf("%q", v.Value)
		}
	}
}
