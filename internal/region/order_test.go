package region_test

import (
	"testing"
	"time"

	"example.com/unbroken/internal/region"
)

// What only orders carry is found though observers flipped since.
func TestTheNewestOrderIsFoundUnderALaterFlip(t *testing.T) {
	t.Parallel()
	old, order := entry(region.Drained, 2*time.Hour, region.Drain), entry(region.Active, time.Hour, region.Restore)
	old.ControlPlane, order.ControlPlane = "an older name", "loop.example.com"
	flip := entry(region.Drained, time.Minute, "")
	v := region.View{Entries: map[string]region.Entry{region.OperatorKey(west): old, region.OperatorKey(east): order, west: flip}}
	if e := v.Order(at); e != order {
		t.Errorf("the newest order: %+v", e)
	}
	if e := v.Flip(at); e != flip {
		t.Errorf("the newest flip: %+v", e)
	}
	if e := v.Now(at); e != flip {
		t.Errorf("what counts: %+v", e)
	}
	if e := (region.View{}).Order(at); e != (region.Entry{}) {
		t.Errorf("nobody ordered anything: %+v", e)
	}
}

// An order that says again that a region is drained begins nothing anew.
func TestARegionIsDrainedSinceItWas(t *testing.T) {
	t.Parallel()
	again := entry(region.Drained, time.Second, region.Drain)
	if since := again.DrainedSince(); !since.Equal(again.Since) {
		t.Errorf("the first order: %s", since)
	}
	again.Drained = at.Add(-time.Hour)
	if since := again.DrainedSince(); !since.Equal(again.Drained) {
		t.Errorf("one that says it again: %s", since)
	}
}
