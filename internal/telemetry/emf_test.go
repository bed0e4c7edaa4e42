package telemetry

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

func TestTheLineOfAnInvocation(t *testing.T) {
	t.Parallel()
	tm, out := start("error")
	ctx, end := tm.StartBatch(invocation(t), []loop.Message{
		{SentAt: noon().Add(-40 * time.Millisecond)}, {SentAt: noon().Add(3 * time.Second)}, {},
	})
	tm.Act().Landed(ctx, landing(loop.StatusDone))
	tm.Act().Landed(ctx, landing(loop.StatusDone))
	tm.Act().Landed(ctx, landing(loop.StatusParked))
	end()
	end() // a second call is harmless
	const golden = `{"Delivered":2,"EndToEndLatency":[1500,1500,1500],"Function":"act","LinkLatency":[40,0],"Parked":1,` +
		`"_aws":{"Timestamp":1772625600000,"CloudWatchMetrics":[{"Namespace":"Unbroken","Dimensions":[["Function"]],"Metrics":[` +
		`{"Name":"Delivered","Unit":"Count"},{"Name":"Parked","Unit":"Count"},{"Name":"LinkLatency","Unit":"Milliseconds"},` +
		`{"Name":"EndToEndLatency","Unit":"Milliseconds"}]}]},"region":"us-east-2","requestID":"req-1"}` + "\n"
	if got := out.String(); got != golden {
		t.Errorf("got  %swant %s", got, golden)
	}
}

func TestAnInvocationInWhichNothingHappenedWritesNothing(t *testing.T) {
	t.Parallel()
	tm, out := start("")
	_, end := tm.StartBatch(invocation(t), []loop.Message{{}})
	end()
	if got := out.String(); got != "" {
		t.Errorf("got %s", got)
	}
}

// CloudWatch drops a metric with more than 100 values, without a word.
func TestALineStaysWithinTheFormatsLimits(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 99, 100, 101, 200, 201, 5000} {
		s := &sample{every: 1}
		for i := range n {
			s.add(int64(i))
		}
		got := s.values()
		if len(got) > maxValues || len(got) < min(n, maxValues/2) {
			t.Errorf("%d of %d values kept", len(got), n)
		}
		if got[0] != 0 || slices.Max(got) != int64(n-1) {
			t.Errorf("of %d values the least kept is %d and the greatest %d", n, got[0], slices.Max(got))
		}
		for i := range len(got) - 2 { // evenly: the last may be the greatest
			if got[i+1]-got[i] != got[1]-got[0] {
				t.Errorf("of %d values uneven ones are kept: %v", n, got)
				break
			}
		}
	}
	s := &sample{every: 1}
	s.add(900)
	for range 300 {
		s.add(1)
	}
	for range 1000 {
		s.add(2)
	}
	if slices.Max(s.values()) != 900 {
		t.Error("the greatest value is lost")
	}

	tm, out := start("error")
	ctx, end := tm.StartBatch(invocation(t), slices.Repeat([]loop.Message{{SentAt: noon().Add(-time.Hour)}}, 500))
	b := batchOf(ctx)
	for m := range metrics {
		b.count(m, 1<<40)
		b.observe(m, 1000*time.Hour)
	}
	end()
	if n := len(out.String()); n > 4096 || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("the fullest line takes %d bytes", n)
	}
}

func TestNamesAreThoseOfDashboardsAndAlarms(t *testing.T) {
	t.Parallel()
	var got []string
	for m := range metrics {
		got = append(got, m.String())
	}
	const want = "Accepted Rejected SingleCopy Unarchived Archived Decided Unmatched Late WindowOverflow Quarantined Delivered Parked Suppressed " +
		"SuppressedBySilence SuppressedByThrottle SuppressedByBudget SuppressedByKillSwitch SuppressedInShadow SuppressedByInhibition RulesStopped SentUnclaimed Expired " +
		"Superseded Retries Errors Swept Overdue StalledInputs InputSwitches LinkLatency EndToEndLatency CanaryLatency"
	if strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
}

// Effects land on many goroutines, and log lines and metrics share one stream.
func TestConcurrentRecordersLoseNothing(t *testing.T) {
	t.Parallel()
	tm, out := start("")
	ctx, end := tm.StartBatch(invocation(t), nil)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for range 10 {
				tm.Act().Landed(ctx, landing(loop.StatusDone))
				tm.Act().Retried(ctx, &act.Landing{Item: landing("").Item, Evidence: "503"}, time.Second)
			}
		})
	}
	wg.Wait()
	end()
	lines := out.take(t)
	if len(lines) != 641 {
		t.Fatalf("%d lines", len(lines))
	}
	has(t, lines[640], map[string]any{"Delivered": 320, "Retries": 320})
}
