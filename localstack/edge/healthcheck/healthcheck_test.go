package healthcheck

import (
	"fmt"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func boardOf(checks ...Check) *Board {
	b := NewBoard()
	b.Set(checks)
	return b
}

func TestAnEndpointChangesAfterAsManyAnswersInARow(t *testing.T) {
	t.Parallel()
	b := boardOf(Check{ID: "e", Threshold: 3})
	for i, step := range []struct{ answer, healthy bool }{
		{false, true},
		{false, true},
		{true, true}, // one good answer starts the count again
		{false, true},
		{false, true},
		{false, false},
		{true, false},
		{true, false},
		{false, false},
		{true, false},
		{true, false},
		{true, true},
	} {
		b.Answered("e", step.answer)
		if got := b.Healthy("e"); got != step.healthy {
			t.Errorf("step %d: healthy %v", i, got)
		}
	}
}

func TestAnEndpointIsAskedOnceAnInterval(t *testing.T) {
	t.Parallel()
	b := boardOf(Check{ID: "fast", Interval: 10 * time.Second}, Check{ID: "slow", Interval: 30 * time.Second},
		Check{ID: "off", Interval: 10 * time.Second, Disabled: true}, Check{ID: "alarm", Kind: Alarm})
	asked := map[string]int{}
	for s := range 60 {
		for _, c := range b.Due(noon.Add(time.Duration(s)*time.Second), 1) {
			asked[c.ID]++
		}
	}
	if asked["fast"] != 6 || asked["slow"] != 2 || len(asked) != 2 {
		t.Errorf("asked %v", asked)
	}
	for after, want := range []int{1, 0, 1, 0, 1, 0, 2} { // of the fast one's 10 s a fifth is 2 s, of the slow one's 6 s
		if n := len(b.Due(noon.Add(time.Duration(50+after)*time.Second), 5)); n != want {
			t.Errorf("five times as fast, %d are due at %d s", n, 50+after)
		}
	}
}

func TestAnAlarm(t *testing.T) {
	t.Parallel()
	for policy, want := range map[Insufficient][4]bool{
		// new, after OK, after ALARM, and then without data
		LastKnown: {true, true, false, false},
		Healthy:   {true, true, false, true},
		Unhealthy: {false, true, false, false},
	} {
		for _, silent := range []string{"", "INSUFFICIENT_DATA"} {
			b := boardOf(Check{ID: "o", Kind: Alarm, Insufficient: policy})
			for i, state := range []string{silent, "OK", "ALARM", silent} {
				b.Reported("o", state)
				if got := b.Healthy("o"); got != want[i] {
					t.Errorf("policy %d, step %d (%q): healthy %v", policy, i, state, got)
				}
			}
		}
	}
}

// Every combination of a region's children: four of five are "the endpoint, and at most one observer objects".
func TestFourOfFive(t *testing.T) {
	t.Parallel()
	for bits := range 16 {
		endpoint, o1, o2, o3 := bits&1 > 0, bits&2 > 0, bits&4 > 0, bits&8 > 0
		b := boardOf(
			Check{ID: "e", Threshold: 1}, Check{ID: "e'", Threshold: 1},
			Check{ID: "o1", Kind: Alarm}, Check{ID: "o2", Kind: Alarm}, Check{ID: "o3", Kind: Alarm},
			Check{ID: "all", Kind: Calculated, Children: []string{"e", "e'", "o1", "o2", "o3"}, AtLeast: 4})
		b.Answered("e", endpoint)
		b.Answered("e'", endpoint)
		quiet := 0
		for id, ok := range map[string]bool{"o1": o1, "o2": o2, "o3": o3} {
			b.Reported(id, map[bool]string{true: "OK", false: "ALARM"}[ok])
			if ok {
				quiet++
			}
		}
		if got, want := b.Healthy("all"), endpoint && quiet >= 2; got != want {
			t.Errorf("endpoint %v, observers %v %v %v: healthy %v", endpoint, o1, o2, o3, got)
		}
	}
}

func TestWhatIsNotAsItSeems(t *testing.T) {
	t.Parallel()
	b := boardOf(
		Check{ID: "e", Threshold: 1}, Check{ID: "inverted", Threshold: 1, Inverted: true}, Check{ID: "disabled", Threshold: 1, Disabled: true},
		Check{ID: "none", Kind: Calculated, AtLeast: 0}, Check{ID: "circle", Kind: Calculated, Children: []string{"circle"}, AtLeast: 1},
		Check{ID: "gone", Kind: Calculated, Children: []string{"deleted"}, AtLeast: 1})
	for _, id := range []string{"e", "inverted", "disabled"} {
		b.Answered(id, false)
	}
	for id, want := range map[string]bool{"e": false, "inverted": true, "disabled": true, "none": true, "circle": true, "gone": true, "unknown": true} {
		if got := b.Healthy(id); got != want {
			t.Errorf("%s: healthy %v", id, got)
		}
	}
}

func TestAStateOutlivesAChange(t *testing.T) {
	t.Parallel()
	b := boardOf(Check{ID: "e", Threshold: 1})
	b.Answered("e", false)
	b.Set([]Check{{ID: "e", Threshold: 5}, {ID: "f"}})
	if b.Healthy("e") || !b.Healthy("f") {
		t.Error(fmt.Sprint(b.Healthy("e"), b.Healthy("f")))
	}
	b.Set(nil)
	b.Set([]Check{{ID: "e"}})
	if !b.Healthy("e") {
		t.Error("a check of the same id as one that was deleted has its state")
	}
}
