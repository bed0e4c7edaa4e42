package loop

import (
	"testing"
	"time"
)

func TestAFiringLastsUpToItsClosing(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Date(2026, 1, 1, 0, 0, s, 0, time.UTC) }
	all := []Firing{{N: 1, From: at(10), Until: at(20)}, {N: 2, From: at(30)}}
	for s, want := range map[int]int64{9: 0, 10: 1, 19: 1, 20: 0, 29: 0, 30: 2, 3600: 2} {
		if f, fires := FiringAt(all, at(s)); f.N != want || fires != (want > 0) {
			t.Errorf("after %d s: %+v, %v", s, f, fires)
		}
	}
}
