package client

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestARegionThatRestsIsAskedAgainByOneBatchAndTakenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near := answering(fails(errDown), swallows, accepts)
		far := answering(accepts)
		c, err := New(Config{Endpoints: regions(near, far), Hedge: true})
		if err != nil {
			t.Fatal(err)
		}
		atOnce := func(n int) {
			var all sync.WaitGroup
			for range n {
				all.Go(func() {
					if _, err := c.Send(t.Context(), signals(1)...); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		atOnce(1) // it fails
		atOnce(5) // it rests
		if n := len(near.requests()); n != 1 {
			t.Errorf("asked %d times before and while it rests", n)
		}
		time.Sleep(restTime)
		atOnce(5) // one probes, and the region swallows it
		if n := len(near.requests()); n != 2 {
			t.Errorf("%d batches probed", n-1)
		}
		time.Sleep(restTime)
		atOnce(1) // it answers the next probe
		before := len(far.requests())
		atOnce(5)
		if n := len(near.requests()); n != 8 || len(far.requests()) != before {
			t.Errorf("after its recovery the first region was asked %d times, the other %d more", n-3, len(far.requests())-before)
		}
	})
}

func TestTheCallersImpatienceIsNoFaultOfTheRegion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := answering(swallows, accepts)
		c, err := New(Config{Endpoints: regions(slow, answering(accepts))})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Send(ctx, signals(1)...); err == nil {
			t.Fatal("sent")
		}
		if r, err := c.Send(t.Context(), signals(1)...); err != nil || r.Results[0].Region != "r1" {
			t.Errorf("%+v %v", r, err)
		}
	})
}

// What a producer of 200 signals a second notices of a region that goes bad, in whatever way: no second between two
// successes that is longer than 400 ms, and nothing lost.
func TestAProducerHardlyNoticesABadRegion(t *testing.T) {
	t.Parallel()
	refuses := fails(errDown)
	hangsUp := func(_ context.Context, _ []json.RawMessage) ([]Verdict, error) {
		return nil, &Unavailable{Cause: fmt.Errorf("connection reset")}
	}
	for name, bad := range map[string]func(context.Context, []json.RawMessage) ([]Verdict, error){
		"answers 503": refuses, "refuses connections": hangsUp, "swallows packets": swallows,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				well := func(ctx context.Context, events []json.RawMessage) ([]Verdict, error) {
					time.Sleep(20 * time.Millisecond)
					return accepts(ctx, events)
				}
				first := answering(func(ctx context.Context, events []json.RawMessage) ([]Verdict, error) {
					if now := time.Since(start); now > 2*time.Second && now < 12*time.Second {
						return bad(ctx, events)
					}
					return well(ctx, events)
				})
				c, err := New(Config{Endpoints: regions(first, answering(well)), Hedge: true, HedgeAfter: 100 * time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				var mu sync.Mutex
				last, longest, regions := start, time.Duration(0), map[string]int{}
				var all sync.WaitGroup
				for range 20 * 200 {
					all.Go(func() {
						r, err := c.Send(t.Context(), signals(1)...)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						defer mu.Unlock()
						regions[r.Results[0].Region]++
						longest, last = max(longest, time.Since(last)), time.Now()
					})
					time.Sleep(5 * time.Millisecond)
				}
				all.Wait()
				t.Logf("longest gap %s, accepted by %v", longest, regions)
				if longest >= 400*time.Millisecond {
					t.Errorf("%s between two successes", longest)
				}
				// Bad for 10 s, and taken back within a rest after it: the last 3 s of 20 at least.
				if regions["r1"] < 5*200-50 || regions["r2"] < 9*200 {
					t.Errorf("accepted by %v", regions)
				}
			})
		})
	}
}
