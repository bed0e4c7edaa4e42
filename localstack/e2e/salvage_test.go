//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
	"example.com/unbroken/internal/salvage"
)

// A region whose inbox is not read and whose decide is not called was drained some minutes ago. The other region's function
// brings what is stranded: each signal is delivered once, also after the region works again and comes back to its copies.
func TestWhatADrainedRegionHasIsSalvaged(t *testing.T) {
	off := append(switchOff(t, west, loop.FuncIngestQueue), switchOff(t, west, loop.FuncDecide)...)
	t.Cleanup(func() { switchOn(t, west, off) })
	s := signals(t, "com.example.notify", 6)
	send(t, west, "default", s[:3]...)
	drop(t, west, s[3:]...)
	// What unbroken drain would have written then.
	docs := dynamo.NewDocuments(func(region string) dynamo.API { return dynamo.Clients(suite.AWS(region))(region) }, prefix, time.Now)
	order := region.Entry{State: region.Drained, Order: region.Drain, Since: time.Now().Add(-salvage.Settle - time.Minute), By: "the suite"}
	for _, table := range []string{east, west} {
		if err := docs.Put(t.Context(), table, region.StateKey(west), region.OperatorKey(table), order, 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		var any any
		if _, err := asked(context.WithoutCancel(t.Context()), &any, "restore", west, "--reason", "the suite"); err != nil {
			t.Error(err)
		}
	})
	if err := suite.Invoke(t.Context(), east, loop.Name(prefix, loop.FuncSalvage)); err != nil {
		t.Fatal(err)
	}
	if visible, _, _, err := suite.queues.Depth(t.Context(), west, loop.QueueInbox); err != nil || visible != 0 {
		t.Errorf("%d are left in the inbox, %v", visible, err)
	}
	delivered(t, time.Minute, s)
	switchOn(t, west, off)
	once(t, s)
}
