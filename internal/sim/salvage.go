package sim

import (
	"context"
	"time"

	"example.com/unbroken/internal/loop"
	regions "example.com/unbroken/internal/region"
	"example.com/unbroken/internal/salvage"
)

// salvages runs the others' schedules while a region is drained.
func (w *World) salvages(f *Fault) {
	for since := salvage.Settle; since < f.For; since += time.Minute {
		w.clock.after(f.At+since, func() {
			for _, name := range w.plan.Loop {
				if !w.down[name] {
					w.salvage(name)
				}
			}
		})
	}
}

// salvage is one run of the function. What fails is seen to by the next one.
func (w *World) salvage(name string) {
	t := &task{what: loop.FuncSalvage, region: name}
	worker := &salvage.Worker{
		Region: name, Queues: w.queues.Poller(name), Now: w.clock.Now,
		States: func(context.Context, string) (map[string]regions.View, error) { return w.states(), nil },
	}
	w.clock.spawn(t, func() {
		report, _ := worker.Run(withTask(t))
		for from, done := range report {
			w.result.Salvaged += done.Moved
			w.log(name, "salvage %d from %s, %d stay", done.Moved, from, done.Stayed)
		}
	})
}

// states is what every region knows of all.
func (w *World) states() map[string]regions.View {
	views := map[string]regions.View{}
	for _, name := range w.plan.Loop {
		views[name] = regions.View{}
		if f := w.lasting(Drain, name); f != nil {
			order := regions.Entry{State: regions.Drained, Order: regions.Drain, Since: start.Add(f.At), By: person}
			views[name] = regions.View{Entries: map[string]regions.Entry{regions.OperatorKey(name): order}}
		}
	}
	return views
}
