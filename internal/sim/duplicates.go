package sim

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// Duplicates delivers one effect n times to the act handlers of three regions, really at once, and says how many
// requests reached its target.
func Duplicates(n, workers int) int {
	now := func() time.Time { return start }
	var owners atomic.Int64
	targets := mem.NewTargets(mem.TargetsConfig{Now: now})
	claims := mem.NewClaims(nil)
	queues := mem.NewQueues(mem.QueuesConfig{Now: now})
	tables := mem.NewReplicas(mem.ReplicasConfig{Regions: []string{regionA, regionB, regionC}, Now: now})
	middle := act.Backoff{Base: time.Second, Cap: time.Minute, Rand: func(n int64) int64 { return n / 2 }}
	handlers := make([]*act.Handler, 0, 3)
	for _, region := range []string{regionA, regionB, regionC} {
		handlers = append(handlers, act.New(act.Config{
			Region: region, Claims: claims.In(region), Outputs: mem.NewOutputs(tables, region), Queue: queues.From(region),
			Targets: map[string]act.Target{loop.TargetWebhook: targets}, Hold: 15 * time.Second, Margin: time.Second,
			Backoff: middle, Unclaimed: middle, Now: now, Recorder: silent{},
			NewOwner: func() string { return fmt.Sprintf("%s/%d", region, owners.Add(1)) },
		}))
	}
	body, err := loop.Encode(loop.Item{AcceptedAt: start, Effect: &loop.Effect{
		ID: loop.EffectID("decision", "page"), RuleID: "r", Key: "k", Phase: loop.PhaseDo, Step: "page", Action: "page",
		Target: loop.TargetWebhook, Class: loop.ClassOnce, Fence: "1", Request: &loop.Request{Method: "POST", URL: "https://page.example/"},
		Timeout: loop.Duration(5 * time.Second), ExpireAfter: loop.Duration(15 * time.Minute),
	}})
	if err != nil {
		panic(err)
	}
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := worker; left.Add(-1) >= 0; i++ {
				handlers[i%len(handlers)].Handle(context.Background(), []loop.Message{{ID: "m", Body: body}})
			}
		})
	}
	wg.Wait()
	return len(targets.Got())
}

type silent struct{}

func (silent) Landed(context.Context, *act.Landing)                 {}
func (silent) Retried(context.Context, *act.Landing, time.Duration) {}
