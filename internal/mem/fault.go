// Package mem is the loop's AWS services in memory, with their real semantics: queues deliver at least once and
// hide what is being handled, claims are linearizable over all regions, tables of the other kind replicate late and
// let the last writer win. They pass the same conformance suites (package looptest) as the adapters for AWS.
//
// Tests, the simulator and `unbroken dev` run on it; it is never in a function's binary. It has no clock and no
// goroutines of its own: time is a function, so that a simulation owns it.
package mem

import (
	"context"
	"sync"
)

// Op is one call to a service, as a Fault sees it.
type Op struct {
	Service string // queue, claims, episodes, windows, outputs or documents
	From    string // the region that calls; "" where the caller did not say
	Region  string // the region whose service is called
	Name    string // of the method: Send, Open, Swap, …
	Key     string // what it is about: queue, effect id, rule, output key, document name
	When    When
}

// When is the moment of an Op at which a Fault is asked.
type When int

// Moments of a call. An error before it means that nothing happened; an error after it means that the call was
// applied and its answer lost.
const (
	Before When = iota
	After
)

// Fault decides whether a call fails; nil lets it pass. It is asked twice per call, from many goroutines, and must
// not call the service itself. A nil Fault is a service without faults.
type Fault func(Op) error

// All asks each fault in turn; the first error counts.
func All(faults ...Fault) Fault {
	return func(op Op) error {
		for _, f := range faults {
			if err := f(op); err != nil {
				return err
			}
		}
		return nil
	}
}

// On fails with err whatever matches.
func On(match func(Op) bool, err error) Fault {
	return func(op Op) error {
		if match(op) {
			return err
		}
		return nil
	}
}

// Times lets f fail n times and is then silent.
func Times(n int, f Fault) Fault {
	var mu sync.Mutex
	return func(op Op) error {
		mu.Lock()
		defer mu.Unlock()
		if n == 0 {
			return nil
		}
		err := f(op)
		if err != nil {
			n--
		}
		return err
	}
}

// Isolated cuts a region off: neither it reaches the others nor they it. Its own services still answer it, except
// those that all regions agree on: a minority can neither write nor read them. Replication is cut by Replicas.Link.
func Isolated(region string, err error) Fault {
	return On(func(op Op) bool {
		agreed := op.Service == "claims" || op.Service == "episodes"
		crossing := op.From != op.Region && (op.From == region || op.Region == region)
		return crossing || agreed && op.From == region
	}, err)
}

// Quorum fails what all regions must agree on for a caller that cannot reach a majority of them, itself included:
// reads too, since a strongly consistent read needs the same majority.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
func Quorum(regions []string, up func(from, to string) bool, err error) Fault {
	return On(func(op Op) bool {
		if op.Service != "claims" && op.Service != "episodes" {
			return false
		}
		reached := 0
		for _, r := range regions {
			if r == op.From || up(op.From, r) {
				reached++
			}
		}
		return 2*reached <= len(regions)
	}, err)
}

// call runs do as one call to a service.
func (f Fault) call(ctx context.Context, op Op, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f == nil {
		return do()
	}
	op.When = Before
	if err := f(op); err != nil {
		return err
	}
	err := do()
	op.When = After
	if lost := f(op); lost != nil {
		return lost
	}
	return err
}
