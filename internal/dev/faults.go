package dev

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// Fault is a region that is killed (nothing of it answers or runs) or cut off (it runs, and does not reach the others
// nor they it).
type Fault struct {
	Kind   Kind
	Region string
	After  time.Duration
	For    time.Duration // 0: for good
}

// Kind is what happens to a region.
type Kind string

// Kinds.
const (
	Kill Kind = "kill"
	Cut  Kind = "cut"
)

// ParseFault reads REGION@AFTER or REGION@AFTER+FOR, such as us-east-2@5s+30s.
func ParseFault(kind Kind, text string) (Fault, error) {
	region, when, ok := strings.Cut(text, "@")
	after, lasts, limited := strings.Cut(when, "+")
	f := Fault{Kind: kind, Region: region}
	var err error
	if f.After, err = time.ParseDuration(after); err != nil || !ok || region == "" || f.After < 0 {
		return Fault{}, fmt.Errorf("%q is not REGION@AFTER, such as us-east-2@5s, or us-east-2@5s+30s for thirty seconds", text)
	}
	if limited {
		if f.For, err = time.ParseDuration(lasts); err != nil || f.For <= 0 {
			return Fault{}, fmt.Errorf("%q: after + comes how long it lasts, such as 30s", text)
		}
	}
	return f, nil
}

var (
	errUnreachable = errors.New("unreachable")
	errNoQuorum    = errors.New("no majority of regions answers")
)

// faults is which regions are gone and which are cut off.
type faults struct {
	mu   *sync.RWMutex
	dead map[string]bool
	cut  map[string]bool
}

func newFaults() faults { return faults{&sync.RWMutex{}, map[string]bool{}, map[string]bool{}} }

func (f faults) gone(region string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.dead[region]
}

func (f faults) reaches(from, to string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return !f.dead[from] && !f.dead[to] && (from == to || !f.cut[from] && !f.cut[to])
}

func (f faults) set(kind Kind, region string, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if kind == Kill {
		f.dead[region] = on
	} else {
		f.cut[region] = on
	}
}

// between fails calls from and to what cannot be reached.
func (f faults) between(op mem.Op) error {
	if !f.reaches(op.From, op.Region) {
		return fmt.Errorf("%s → %s: %w", op.From, op.Region, errUnreachable)
	}
	return nil
}

// Strike lets a fault happen, and end, counted from now.
func (w *World) Strike(ctx context.Context, f Fault) {
	turn := func(on bool, what string) func() {
		return func() {
			if ctx.Err() != nil {
				return
			}
			w.state.set(f.Kind, f.Region, on)
			w.say(Event{Region: f.Region, What: what})
			w.tables.Replicate()
			for _, queue := range loop.Queues() {
				w.wakeAt(poller{f.Region, queue}, 0)
			}
		}
	}
	said := map[Kind]string{Kill: "killed", Cut: "cut off"}[f.Kind]
	time.AfterFunc(f.After, turn(true, said))
	if f.For > 0 {
		time.AfterFunc(f.After+f.For, turn(false, "back"))
	}
}
