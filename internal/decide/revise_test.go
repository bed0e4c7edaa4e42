package decide_test

import (
	"fmt"
	"testing"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

func at(id int, value float64) sample {
	return sample{id: id, at: time.Duration(id) * time.Second, value: value}
}

func (r *regions) episode(t *testing.T) decide.Episode {
	t.Helper()
	all, err := r.episodes.All()
	if err != nil || len(all) != 1 {
		t.Fatalf("%d episodes, %v", len(all), err)
	}
	return all[0]
}

// A late signal shows that the newest one should not have opened: there is nothing after it to close the episode
// with, so it is closed where it was opened, and the fences still rise.
func TestALateSignalTakesBackAnOpening(t *testing.T) {
	t.Parallel()
	r := newRegions(setOf(t, fmt.Sprintf(windowRule, "", "{avg: signal.data.value, over: 1m, above: 5}")), true, deaf{})
	r.decide(t, "a", at(10, 9))
	if !r.open(t) {
		t.Fatal("9 is above 5")
	}
	r.decide(t, "b", at(5, 0))
	e := r.episode(t)
	if e.Open || len(e.Transitions) != 2 || e.Transitions[1].Decision.Phase != loop.PhaseUndo || e.Transitions[1].At != e.Transitions[0].At {
		t.Fatalf("the mean is 4.5; the episode is %+v", e)
	}
	if do, undo := e.Transitions[0].Decision.Effects[0].Fence, e.Transitions[1].Decision.Effects[0].Fence; undo <= do {
		t.Errorf("the undo's fence %s is not greater than the do's, %s", undo, do)
	}
	r.decide(t, "a", at(10, 9), at(5, 0)) // the copies
	if again := r.episode(t); len(again.Transitions) != 2 {
		t.Errorf("the copies made %d transitions", len(again.Transitions))
	}
}

// FAULTS 15: a redrive after days. The entries that the opening was made of are gone, and that is no recovery.
func TestARedriveDoesNotCloseWhatItCannotSee(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"days": 72 * time.Hour, "when the window is forgotten": 12 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegions(setOf(t, fmt.Sprintf(windowRule, "when: signal.data.value > 5", "{count: 3, within: 1m}")), true, deaf{})
			r.decide(t, "a", at(1, 9), at(2, 9), at(3, 9))
			r.now = r.now.Add(wait)
			r.tables.Expire()
			r.decide(t, "b", at(3, 9))
			if !r.open(t) {
				t.Error("a redrive closed the episode")
			}
		})
	}
}

// FAULTS 22: a key that flaps with every signal does not grow its episode without end.
func TestFlappingDoesNotGrowTheEpisode(t *testing.T) {
	t.Parallel()
	r := newRegions(setOf(t, fmt.Sprintf(windowRule, "when: signal.data.value > 5", "{count: 1, within: 1m}")), true, deaf{})
	for i := range 200 {
		r.now = start.Add(time.Duration(i) * time.Second)
		r.decide(t, "a", at(i, float64(9*(i%2))))
	}
	if n := len(r.episode(t).Flips); n > 64 {
		t.Errorf("%d flips", n)
	}
	if !r.open(t) {
		t.Error("the last one was a hit")
	}
}
