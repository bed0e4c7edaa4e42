package salvage_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/region"
	"example.com/unbroken/internal/salvage"
)

// run is the one of a worker in a minute.
func (w *world) run(t *testing.T, s *salvage.Worker) (salvage.Done, error) {
	t.Helper()
	s.States = statesOf(map[string]region.View{east: drained(time.Hour, region.Drain)})
	report, err := s.Run(t.Context())
	w.now = w.now.Add(time.Minute)
	return report[east], err
}

// failing is a queue in which calls of a name fail while a flag says so.
func failing(name, region string) (w *world, fails *bool) {
	fails = new(bool)
	return lastingQueues(mem.On(func(op mem.Op) bool {
		return *fails && op.Name == name && op.Region == region && op.When == mem.Before
	}, errors.New("throttled")), nil), fails
}

// However often the region's own functions have received it, what failed once is moved by the next run but one at most, and
// so is what failed twice, but not in a row.
func TestOneFailureCostsAMinute(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Send", "Delete"} {
		for _, receives := range []int{5, salvage.Renew, 13, 15, 17} {
			where := map[string]string{"Send": west, "Delete": east}[name]
			w, fails := failing(name, where)
			s := w.worker(nil)
			for i := range 3 {
				w.put(t, loop.QueueSignals, message(signal(fmt.Sprint(i))))
				w.wear(t, receives)
				*fails = true
				if _, err := w.run(t, s); err == nil {
					t.Fatal("nothing failed")
				}
				*fails = false
				for range 2 {
					_, _ = w.run(t, s)
				}
				if left := len(w.lying(east, loop.QueueSignals)); left > 0 {
					t.Errorf("%s failed for the %d. time after %d receives: it is left alone", name, i+1, receives)
				}
			}
		}
	}
}

// What is moved or renewed without fault does not make its queue rest because something else failed in the same batch.
func TestAFailureIsOfWhatFailed(t *testing.T) {
	t.Parallel()
	w, fails := failing("Send", west)
	w.put(t, loop.QueueSignals, message(standby(signal("often received"))))
	w.wear(t, 17)
	w.put(t, loop.QueueSignals, message(signal("fresh")))
	s := w.worker(nil)
	*fails = true
	if d, err := w.run(t, s); err == nil || d.Worn > 0 {
		t.Errorf("%+v, %v", d, err)
	}
}
