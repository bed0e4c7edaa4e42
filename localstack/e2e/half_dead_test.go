//go:build e2e && linux

package e2e

import (
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

// FAULTS 47: a region whose endpoint answers, and whose decide works on nothing. No canary comes through, its own health says
// so, and DNS leaves it; the peer's standby copies have done the work long before.
func TestAHalfDeadRegionLeavesDNS(t *testing.T) {
	canaries(t)
	resolves(t, 5*time.Minute, east)
	off := switchOff(t, east, loop.FuncDecide)
	t.Cleanup(func() { switchOn(t, east, off) })
	began := time.Now()
	s := signals(t, "com.example.notify", 5)
	send(t, east, "default", s...)
	delivered(t, 30*time.Second, s)
	t.Logf("the peer's copies landed within %s", time.Since(began).Round(100*time.Millisecond))
	const limit = 150 * time.Second
	resolves(t, limit, west)
	t.Logf("DNS left the region after %s; %s are allowed", time.Since(began).Round(time.Second), limit)
	switchOn(t, east, off)
	healthy(t, east)
	once(t, s)
}
