package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// drawFaults draws what goes wrong in a run: one run in ten is left alone, half of the others have one fault, the rest
// two to four at once.
func drawFaults(r *rand.Rand, p Plan) (faults []Fault) {
	n := 0
	switch r.IntN(10) {
	case 0:
	case 1, 2, 3, 4:
		n = 1
	default:
		n = 2 + r.IntN(3)
	}
	for range n {
		all := unwatchedRows()
		row := all[r.IntN(len(all))]
		d := draw{r, p}
		for _, f := range row.faults(d) {
			if f.Kind == Kill && slices.ContainsFunc(faults, kills) {
				f = d.second(f, slices.ContainsFunc(faults, takesARegion))
			}
			faults = append(faults, f)
		}
	}
	return faults
}

func kills(f Fault) bool { return f.Kind == Kill }

func takesARegion(f Fault) bool { return f.Kind == Kill && f.For == 0 }

// second is a loss besides another one. One region may be lost for good, not two. And without a majority everything is
// tried again and again: an hour of that costs as much as a hundred other runs, so nearly all get ten minutes at most.
func (d draw) second(f Fault, lost bool) Fault {
	long := d.plan.Seed%64 == 0
	if lost && f.For == 0 || !long && (f.For == 0 || f.For > 10*time.Minute) {
		f.For, f.Mode = d.between(time.Minute, 10*time.Minute), ""
	}
	return f
}

// draw has what the rows draw from.
type draw struct {
	*rand.Rand
	plan Plan
}

func (d draw) region() string { return d.plan.Loop[d.IntN(len(d.plan.Loop))] }

// at is a moment while signals come.
func (d draw) at() time.Duration { return time.Duration(d.Int64N(int64(d.plan.Length))) }

func (d draw) between(from, to time.Duration) time.Duration {
	return from + time.Duration(d.Int64N(int64(to-from)))
}

func (d draw) often() float64 { return []float64{0.1, 0.3, 0.7}[d.IntN(3)] }

// row is a row of FAULTS.md and how to draw it.
type row struct {
	id   string
	draw func(d draw) []Fault

	watched bool // it needs a world with health
}

func (r row) faults(d draw) []Fault {
	faults := r.draw(d)
	for i := range faults {
		faults[i].Row = r.id
	}
	return faults
}

func unwatchedRows() []row { return slices.DeleteFunc(rows(), func(r row) bool { return r.watched }) }

func watchedRows() []row { return slices.DeleteFunc(rows(), func(r row) bool { return !r.watched }) }

// window is a fault that lasts a while.
func (d draw) window(kind Kind, region string) Fault {
	return Fault{Kind: kind, Region: region, At: d.at(), For: d.between(20*time.Second, 5*time.Minute)}
}

// instant is a fault that strikes at a call.
func (d draw) instant(kind Kind, point Point) Fault {
	return Fault{Kind: kind, Region: d.region(), At: d.at(), Point: point, Nth: 1 + d.IntN(3)}
}

func (d draw) rate(kind Kind, region string, point Point) Fault {
	f := d.window(kind, region)
	f.Point, f.P = point, d.often()
	return f
}

func (d draw) targets(mode string, p float64) Fault {
	f := d.window(Targets, "")
	f.Mode, f.P = mode, p
	return f
}

func (d draw) mode(kind Kind, region, mode string, longest time.Duration) Fault {
	f := d.window(kind, region)
	f.Mode, f.For = mode, d.between(time.Minute, longest)
	return f
}

// blinks is both loop regions gone in turn, every 90 s.
func (d draw) blinks() (faults []Fault) {
	at := d.between(0, d.plan.Length/2)
	for i := range 4 {
		faults = append(faults, Fault{Kind: Kill, Region: d.plan.Loop[i%2], At: at + time.Duration(i)*90*time.Second, For: 80 * time.Second})
	}
	return faults
}

// gone is a region that disappears at an instant, for a while, or for ever with or without its disks.
func (d draw) gone(point Point) Fault {
	f := d.instant(Kill, point)
	switch d.IntN(3) {
	case 0:
		f.For = d.between(30*time.Second, 20*time.Minute)
	case 1:
		f.Mode = "lost"
	}
	return f
}

// deployments brings the second bundle to one region after the other.
func (d draw) deployments() (faults []Fault) {
	at := d.at()
	for _, region := range d.plan.Loop {
		faults = append(faults, Fault{Kind: Deploy, Region: region, At: at})
		at += d.between(0, 2*time.Minute)
	}
	return faults
}

func one(f func(d draw) Fault) func(d draw) []Fault {
	return func(d draw) []Fault { return []Fault{f(d)} }
}

func pick[T any](d draw, choices ...T) T { return choices[d.IntN(len(choices))] }

// rows are the faults that the simulator knows. Those of Always are in the signals (producer.go) or at the end of every
// run (15).
func rows() []row {
	return []row{
		{id: "1", draw: one(func(d draw) Fault { return d.instant(Crash, BeforeStore) })},
		{id: "2", draw: one(func(d draw) Fault { return d.instant(Crash, Before202) })},
		{id: "3", draw: one(func(d draw) Fault { return d.rate(Fail, d.region(), pick(d, OwnSignals, PeerQueue, AnyQueue)) })},
		{id: "4", draw: one(func(d draw) Fault { return d.rate(Fail, "", AnyQueue) })},
		{id: "10", draw: func(d draw) []Fault {
			doubled, order := d.window(Doubled, ""), d.window(Reordered, "")
			doubled.P, doubled.Mode = d.often(), pick(d, "", "often")
			return []Fault{doubled, order}
		}},
		{id: "12", draw: one(func(d draw) Fault {
			f := d.instant(Pause, pick(d, AfterEntries, AfterDecide, AfterEpisode, BeforeEntries))
			f.For = d.between(visibility, 3*visibility)
			return f
		})},
		{id: "13", draw: one(func(d draw) Fault {
			return d.mode(Stop, d.region(), pick(d, loop.QueueSignals, loop.QueueActions, loop.QueueInbox), 15*time.Minute)
		})},
		{id: "17", draw: one(func(d draw) Fault { return d.instant(Crash, pick(d, AfterEpisode, AfterEntries)) })},
		{id: "18", draw: func(d draw) []Fault { return d.deployments() }},
		{id: "24", draw: one(func(d draw) Fault { return d.instant(Crash, AfterClaim) })},
		{id: "25", draw: one(func(d draw) Fault { return d.instant(Crash, pick(d, AfterSend, AfterOutput)) })},
		{id: "26", draw: one(func(d draw) Fault { return d.rate(Lost, "", pick(d, AfterCommit, AfterClaim, AfterEpisode, AnyClaims)) })},
		{id: "27", draw: one(func(d draw) Fault {
			f := d.instant(Pause, pick(d, AfterClaim, BeforeSend, AfterSend, BeforeCommit))
			f.For = d.between(10*time.Second, 3*time.Minute)
			return f
		})},
		{id: "27a", draw: one(func(d draw) Fault { return d.gone(AfterClaim) })},
		{id: "27b", draw: func(d draw) []Fault { return []Fault{d.window(Reordered, ""), d.instant(Crash, AfterClaim)} }},
		{id: "28", draw: one(func(d draw) Fault { return d.targets(modeLate, d.often()) })},
		{id: "29", draw: one(func(d draw) Fault {
			return d.targets(pick(d, modeBefore500, modeAfter500, mode429, modeHang, modeHangAfter, modeReset, modeRefuse), d.often())
		})},
		{id: "30", draw: one(func(d draw) Fault {
			f := d.targets(modeDown, 1)
			f.For = pick(d, 10*time.Minute, 72*time.Hour)
			return f
		})},
		{id: "31", draw: one(func(d draw) Fault { return d.targets(modeSlow, 1) })},
		{id: "34", draw: one(func(d draw) Fault {
			f := d.rate(Fail, pick(d, "", d.region()), AnyClaims)
			f.Mode, f.P = pick(d, "", "conflict"), pick(d, 0.2, 0.6, 1)
			return f
		})},
		{id: "35", draw: one(func(d draw) Fault { return d.mode(Unlinked, d.region(), "", time.Hour) })},
		{id: "37", draw: one(func(d draw) Fault { return d.gone(instants()[d.IntN(len(instants()))]) })},
		{id: "38", draw: one(func(d draw) Fault { return d.window(Cut, d.region()) })},
		{id: "39", draw: one(func(d draw) Fault { return Fault{Kind: Kill, Region: d.region(), At: d.at(), For: time.Hour} })},
		{id: "40", draw: func(d draw) []Fault { return d.blinks() }},
		{id: "41", draw: one(func(d draw) Fault {
			return Fault{Kind: Kill, Region: regionC, At: d.at(), For: d.between(time.Minute, time.Hour)}
		})},
		{id: "42", watched: true, draw: one(func(d draw) Fault {
			f := d.mode(Observer, pick(d, d.plan.regions()...), pick(d, observerDead, observerLies), 15*time.Minute)
			if d.IntN(3) == 0 {
				f.Region, f.Mode = "", observerDead // all of them
			}
			return f
		})},
		{id: "43", watched: true, draw: one(func(d draw) Fault {
			return pick(d, halfDead(d.region())...).lasting(d.between(time.Minute, 4*time.Minute), d.between(4*time.Minute, 15*time.Minute))
		})},
		{id: "44", watched: true, draw: one(func(d draw) Fault { return d.mode(Blind, d.region(), "", 15*time.Minute) })},
		{id: "46", watched: true, draw: func(d draw) []Fault {
			gone := Fault{Kind: Kill, Region: d.region()}.lasting(d.between(time.Minute, 4*time.Minute), d.between(time.Minute, 5*time.Minute))
			return []Fault{gone, {Kind: Cached, At: gone.At - time.Minute, For: gone.For + 2*time.Minute}}
		}},
		{id: "47", draw: one(func(d draw) Fault { return d.mode(Bad, d.region(), "", 30*time.Minute) })},
		{id: "48", draw: one(func(d draw) Fault { return d.mode(Drain, d.region(), "", 10*time.Minute) })},
	}
}

// Always are the rows that every run has.
func Always() []string { return []string{"5", "6", "9", "15", "19", "20", "21", "22", "23"} }
