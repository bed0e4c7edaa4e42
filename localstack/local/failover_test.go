package local

import (
	"testing"
	"time"

	"example.com/unbroken/internal/failover"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/localstack/edge/healthcheck"
)

// planned puts a region's checks on a board, as they are deployed.
func planned(cfg *loop.Config, region string) (board *healthcheck.Board, decides string) {
	var checks []healthcheck.Check
	for _, c := range failover.Checks(cfg, Domain, region) {
		one := healthcheck.Check{ID: region + c.Name, Kind: healthcheck.Calculated, AtLeast: c.AtLeast}
		switch {
		case c.Endpoint != "":
			one.Kind, one.Interval, one.Threshold = healthcheck.Endpoint, failover.Interval*time.Second, failover.Threshold
		case c.Alarm.Name != "":
			one.Kind, one.Insufficient = healthcheck.Alarm, healthcheck.Healthy
		}
		for _, child := range c.Children {
			one.Children = append(one.Children, region+child)
		}
		checks, decides = append(checks, one), one.ID
	}
	board = healthcheck.NewBoard()
	board.Set(checks)
	return board, decides
}

// By Route 53's clock a region that is cut off at any second leaves DNS within 30 s, and comes back as fast. One observer
// that objects takes it nowhere, nor does an outage of twelve seconds, nor both at once.
func TestARegionThatIsCutLeavesWithin30Seconds(t *testing.T) {
	t.Parallel()
	cfg := &loop.Config{Prefix: "p", Regions: loop.Regions{Loop: []string{"east", "west"}, Witness: "far"}}
	worst := [2]int{}
	for phase := range 60 {
		for _, objecting := range []bool{false, true} {
			board, decides := planned(cfg, "east")
			if objecting {
				board.Reported("eastObserver1", "ALARM")
			}
			now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
			pass := func(seconds int, up bool) {
				for range seconds {
					now = now.Add(time.Second)
					for _, c := range board.Due(now, 1) {
						board.Answered(c.ID, up)
					}
				}
			}
			until := func(healthy, up bool) (seconds int) {
				for board.Healthy(decides) != healthy && seconds < 100 {
					pass(1, up)
					seconds++
				}
				return seconds
			}
			pass(60+phase, true)
			if !board.Healthy(decides) {
				t.Fatalf("cut at %d s, objecting %v: one voice took it out", phase, objecting)
			}
			if pass(12, false); !board.Healthy(decides) {
				t.Errorf("cut at %d s, objecting %v: out after 12 s", phase, objecting)
			}
			pass(60, true)
			out, back := until(false, false), until(true, true)
			if out > 30 || back > 30 {
				t.Errorf("cut at %d s, objecting %v: out after %d s, back after %d s", phase, objecting, out, back)
			}
			worst = [2]int{max(worst[0], out), max(worst[1], back)}
		}
	}
	t.Logf("out after %d s at most, back after %d s at most", worst[0], worst[1])
}
