// Command simulate runs seeds of the simulator: `make sim SEEDS=n`, or `make sim SEED=x` for one with its timeline.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"example.com/unbroken/internal/sim"
)

func main() {
	seeds := flag.Int("seeds", 200, "how many seeds to run")
	first := flag.Uint64("first", 0, "the first seed")
	seed := flag.Int64("seed", -1, "run this seed alone and print its timeline")
	workers := flag.Int("workers", runtime.GOMAXPROCS(0), "seeds at a time")
	tries := flag.Int("shrink", 400, "runs to spend on shrinking a failure")
	duplicates := flag.Int("duplicates", 0, "deliver one effect this many times and count the requests")
	flag.Parse()
	debug.SetGCPercent(1600) // many small worlds, each forgotten at once: memory is cheaper than collecting
	code := 0
	switch {
	case *duplicates > 0:
		code = duplicate(*duplicates)
	case *seed >= 0:
		sim.Explain(os.Stdout, sim.NewPlan(uint64(*seed)), sim.Options{})
	default:
		code = campaign(*first, *seeds, *workers, *tries)
	}
	os.Exit(code)
}

func campaign(first uint64, n, workers, tries int) int {
	start := time.Now()
	line := func(t sim.Tally) string {
		took := time.Since(start)
		return fmt.Sprintf("%d/%d seeds  %.1f seeds/s  %.0f loop-hours/min  %d signals  %d effects  %d requests",
			t.Seeds, n, float64(t.Seeds)/took.Seconds(), t.Simulated.Hours()/took.Minutes(), t.Signals, t.Effects, t.Requests)
	}
	every := sync.OnceValue(func() int { return max(n/10, 1) })
	t := sim.Campaign(first, n, workers, func(t sim.Tally) {
		if t.Seeds%every() == 0 {
			fmt.Println(line(t))
		}
	})
	fmt.Printf("faults by row of FAULTS.md, in how many runs each struck: %s\n", t.Coverage())
	fmt.Printf("slowest landing where P3 speaks: %s (bound 25s)\n", t.Slowest.Round(time.Millisecond))
	fmt.Printf("slowest half-dead region out of DNS: %s (bound 2m30s)\n", t.Left.Round(time.Millisecond))
	fmt.Printf("dearest seed: %d, %s\n", t.Dearest, t.Took.Round(time.Millisecond))
	if len(t.Failed) == 0 {
		fmt.Printf("sim: clean: %s\n", line(t))
		return 0
	}
	failed := t.Failed[0]
	fmt.Printf("sim: seed %d FAILED; repeat it with `make sim SEED=%d`; shrunk:\n", failed, failed)
	sim.Explain(os.Stdout, sim.Shrink(sim.NewPlan(failed), sim.Options{}, tries), sim.Options{})
	return 1
}

func duplicate(n int) int {
	start := time.Now()
	sent := sim.Duplicates(n, runtime.GOMAXPROCS(0))
	fmt.Printf("%d deliveries of one effect in three regions, %s: %d request(s)\n", n, time.Since(start).Round(time.Millisecond), sent)
	if sent != 1 {
		return 1
	}
	return 0
}
