package observe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/region"
)

// Regions that are half dead: the endpoint answers, and signals get stuck behind it.
func halfDead() map[string]func(*chain) {
	return map[string]func(*chain){
		"ingest fails on every request": func(c *chain) { c.crashes[west+"/"+loop.FuncIngestHTTP] = true },
		"nothing takes from the inbox":  func(c *chain) { c.stuck[west+"/"+loop.FuncIngestQueue] = true },
		"decide fails on every message": func(c *chain) { c.crashes[west+"/decide"] = true },
		"act is stuck":                  func(c *chain) { c.stuck[west+"/act"] = true },
		"claims cannot be reached": func(c *chain) {
			c.fault = func(op mem.Op) error {
				if (op.Service == "claims" || op.Service == "episodes") && op.From == west {
					return errDown
				}
				return nil
			}
		},
		"canaries fail while all else is green": func(c *chain) { // their receipts cannot be written
			c.fault = func(op mem.Op) error {
				if op.Service == "documents" && op.Name == "Put" && op.Key == loop.ReceiptKey(west) {
					return errDown
				}
				return nil
			}
		},
	}
}

const detected = 150 * time.Second

// From the fault on, whatever the phases of the schedules: the region is drained within two and a half minutes, and DNS
// does not answer it any more; nothing happens to the other one.
func TestAHalfDeadRegionIsDrainedInTime(t *testing.T) {
	t.Parallel()
	for name, fault := range halfDead() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var slowest, left time.Duration
			for seed := range uint64(3) {
				c := newChain(t, rand.New(rand.NewPCG(seed, 7)))
				if seed == 0 {
					c.worst()
				}
				for range 150 + int(seed)*7 {
					c.second(t)
				}
				for _, r := range []string{east, west} {
					if !c.answered(r) || c.drained(t, r, east) {
						t.Fatalf("seed %d: %s is not well before the fault", seed, r)
					}
				}
				began := c.now
				fault(c)
				for c.now.Sub(began) < 4*time.Minute && (!c.drained(t, west, east) || c.answered(west)) {
					c.second(t)
					if !c.drained(t, west, east) {
						slowest = max(slowest, c.now.Sub(began)+time.Second)
					}
					if c.answered(west) {
						left = max(left, c.now.Sub(began)+time.Second)
					}
				}
				if c.drained(t, east, east) || !c.answered(east) {
					t.Errorf("seed %d: the healthy region went, too", seed)
				}
			}
			t.Logf("drained within %s, left by DNS within %s (and its TTL)", slowest, left)
			if slowest > detected || left > detected {
				t.Errorf("drained after %s, DNS left after %s; want %s", slowest, left, detected)
			}
		})
	}
}

// A region whose ingest answered nothing is drained. Once it is well, its canary comes in although it refuses users, and so it
// returns: without that it would be drained for ever.
func TestADrainedRegionReturnsByItsCanary(t *testing.T) {
	t.Parallel()
	c := newChain(t, rand.New(rand.NewPCG(5, 7)))
	until := func(limit time.Duration, what string, ok func() bool) time.Duration {
		began := c.now
		for !ok() {
			if c.second(t); c.now.Sub(began) > limit {
				t.Fatalf("not within %s: %s", limit, what)
			}
		}
		return c.now.Sub(began)
	}
	post := func(path string) int {
		return c.posted(t.Context(), west, path, fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"shop","type":"t"}`, c.now.UnixNano()))
	}
	until(5*time.Minute, "both are well", func() bool { return c.now.Sub(at) > 150*time.Second && c.answered(west) && c.answered(east) })
	c.crashes[west+"/"+loop.FuncIngestHTTP] = true
	until(detected, "it is drained, and DNS has left it", func() bool { return c.drained(t, west, east) && !c.answered(west) })
	delete(c.crashes, west+"/"+loop.FuncIngestHTTP)
	healed := c.now
	until(loop.CanaryEvery+time.Second, "its canary comes in", func() bool {
		docs, err := mem.NewDocuments(c.tables, west).Query(t.Context(), west, loop.ReceiptKey(west))
		var r loop.Receipt
		return err == nil && json.Unmarshal(docs[loop.KindHTTP], &r) == nil && r.SentAt.After(healed)
	})
	if status := post("/v1/signals/a"); status != http.StatusServiceUnavailable || !c.drained(t, west, west) {
		t.Errorf("a user's signal to the drained region: %d", status)
	}
	if status := post(loop.CanaryPath); status != http.StatusBadRequest {
		t.Errorf("a user's signal by the canary's path: %d", status)
	}
	took := until(region.MinDrained+region.Sustain+2*time.Minute, "it is active and answered again", func() bool { return !c.drained(t, west, east) && c.answered(west) })
	t.Logf("back after %s", took)
	if status := post("/v1/signals/a"); status != http.StatusAccepted {
		t.Errorf("a user's signal after the return: %d", status)
	}
}

// worst is every observer at the same second, the last one in which the canary of second 29 is not overdue yet: the fault
// comes right after that one landed.
func (c *chain) worst() {
	c.phase["canary "+west] = 59
	for _, o := range []string{east, west, witness} {
		c.phase["observer "+o] = 44
	}
}

// One observer, whatever it does, flips nothing, and somebody is told.
func TestOneObserverAloneFlipsNothing(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]struct {
		break_ func(*chain)
		paged  func(*chain) error
	}{
		"dead": {func(c *chain) { c.unreached[witness] = true }, func(c *chain) error {
			if n := c.reading[east].Silent; n != 1 {
				return fmt.Errorf("east counts %d silent", n)
			}
			return nil
		}},
		"isolated": {func(c *chain) {
			c.fault = func(op mem.Op) error {
				if op.From == witness {
					return errDown
				}
				return nil
			}
			c.lies = func(observer string, o *observe.Observer) {
				if observer == witness {
					o.Prober, o.Metrics = nowhere{}, nowhere{}
				}
			}
		}, func(c *chain) error {
			if n := c.reading[east].Silent; n != 1 {
				return fmt.Errorf("east counts %d silent", n)
			}
			if r := c.reading[witness]; r.Silent != 2 || r.Found == 0 {
				return fmt.Errorf("the isolated one publishes %+v", r)
			}
			return nil
		}},
		"lying that all is down": {func(c *chain) {
			c.lies = func(observer string, o *observe.Observer) {
				if observer == witness {
					o.Prober = nowhere{}
				}
			}
		}, func(c *chain) error {
			// The alarms observer-objects-* of its region page.
			if v := c.reading[witness].Verdicts; v[east] != 0 || v[west] != 0 || c.reading[east].Verdicts[west] != 1 {
				return fmt.Errorf("published %v", v)
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChain(t, rand.New(rand.NewPCG(3, 7)))
			for range 150 {
				c.second(t)
			}
			arrange.break_(c)
			for range 600 {
				c.second(t)
				for _, r := range []string{east, west} {
					if c.drained(t, r, east) || !c.answered(r) {
						t.Fatalf("%s flipped", r)
					}
				}
			}
			if err := arrange.paged(c); err != nil {
				t.Error(err)
			}
		})
	}
}

// nowhere reaches nothing.
type nowhere struct{}

func (nowhere) Probe(context.Context, string) (time.Duration, error) { return 0, errDown }

func (nowhere) Read(context.Context, string, time.Time, time.Time, []observe.Metric) ([]observe.Series, error) {
	return nil, errDown
}

// Without observers nothing flips, and nobody calls the heartbeat; a region whose chain stands still leaves DNS all the
// same, because its own health says so.
func TestWithoutObserversNothingFlips(t *testing.T) {
	t.Parallel()
	c := newChain(t, rand.New(rand.NewPCG(4, 7)))
	for range 150 {
		c.second(t)
	}
	c.unreached[east], c.unreached[west], c.unreached[witness] = true, true, true
	beats := c.beats
	for range 600 {
		c.second(t)
		for _, r := range []string{east, west} {
			if c.drained(t, r, east) || !c.answered(r) {
				t.Fatalf("%s flipped", r)
			}
		}
	}
	if c.beats != beats || beats == 0 {
		t.Errorf("%d beats of nobody", c.beats-beats)
	}
	c.stuck[west+"/act"] = true
	for range 150 {
		c.second(t)
	}
	if c.answered(west) || c.drained(t, west, east) {
		t.Errorf("answered %v, drained %v", c.answered(west), c.drained(t, west, east))
	}
}

// Observers that run at the same second: each looks before the other has written. One of them must see both verdicts,
// or the flip would wait for the next minute.
func TestOfTwoThatLookAtOnceOneSeesBoth(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.probed["https://east/v1/health"] = errDown
	first, second := w.observer(witness), w.observer(west)
	ran := false
	second.Docs = beforeVerdict{w, sync.OnceFunc(func() { // whoever else writes waits
		ran = true
		if _, err := first.Run(t.Context()); err != nil {
			t.Error(err)
		}
		if !w.active(t, east) {
			t.Error("one verdict drained it")
		}
	})}
	if _, err := second.Run(t.Context()); err != nil && !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	if !ran || w.active(t, east) {
		t.Errorf("the other ran in between: %v; and the region is still active", ran)
	}
}

// beforeVerdict does something before a verdict is written.
type beforeVerdict struct {
	*world
	do func()
}

func (b beforeVerdict) Put(ctx context.Context, table, pk, sk string, doc any, keep time.Duration) error {
	if strings.HasPrefix(pk, region.VerdictKey("")) {
		b.do()
	}
	return b.world.Put(ctx, table, pk, sk, doc, keep)
}
