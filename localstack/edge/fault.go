package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Mode is what a fault does to a call.
type Mode string

// The ways a call can go wrong.
const (
	Cut   Mode = "cut"   // the connection closes without an answer
	Hang  Mode = "hang"  // nothing happens until the client gives up or the fault is lifted
	Delay Mode = "delay" // the call waits, then goes through
	Fail  Mode = "fail"  // an AWS error is answered; the emulator never sees the call
	Lose  Mode = "lose"  // the emulator does it, but the answer never arrives
)

// Any matches everything in a fault's fields, and so does an empty field.
const Any = "*"

// ErrFault is what a fault that makes no sense is refused with.
var ErrFault = errors.New("not a fault")

// Fault says which calls go wrong and how. Delay may be combined with any mode and comes first.
type Fault struct {
	ID        string   `json:"id"`
	Region    string   `json:"region,omitempty"`
	Service   string   `json:"service,omitempty"`
	Operation string   `json:"operation,omitempty"`
	Caller    string   `json:"caller,omitempty"`   // a region: only calls of functions in it; or Outside
	Function  string   `json:"function,omitempty"` // only calls of the function of this name
	Mode      Mode     `json:"mode"`
	Delay     Duration `json:"delay,omitempty"`
	Status    int      `json:"status,omitempty"` // of fail; 503 if 0
	Code      string   `json:"code,omitempty"`   // of fail; ServiceUnavailable if empty
	Times     int      `json:"times,omitempty"`  // for the first so many calls only; 0 means until lifted
}

// Duration is a time.Duration that reads and writes Go's notation in JSON.
type Duration time.Duration

// MarshalJSON writes "1.5s".
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads "1.5s".
func (d *Duration) UnmarshalJSON(b []byte) error {
	text, err := strconv.Unquote(string(b))
	if err != nil {
		return fmt.Errorf(`%w: a duration is written "1.5s"`, ErrFault)
	}
	v, err := time.ParseDuration(text)
	*d = Duration(v)
	return err
}

func (f Fault) validate() error {
	switch f.Mode {
	case Cut, Hang, Lose:
	case Delay:
		if f.Delay <= 0 {
			return fmt.Errorf(`%w: a delay needs a duration, such as "delay": "2s"`, ErrFault)
		}
	case Fail:
		if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
			return fmt.Errorf("%w: status %d: give one from 400 to 599", ErrFault, f.Status)
		}
	default:
		return fmt.Errorf("%w: mode %q: give cut, hang, delay, fail or lose", ErrFault, f.Mode)
	}
	if f.Delay < 0 || f.Times < 0 {
		return fmt.Errorf("%w: delay and times are not negative", ErrFault)
	}
	return nil
}

func (f Fault) matches(c Call) bool {
	return is(f.Region, c.Region) && is(f.Service, c.Service) && is(f.Operation, c.Operation) &&
		is(f.Caller, c.Caller) && is(f.Function, c.Function)
}

func is(pattern, value string) bool { return pattern == "" || pattern == Any || pattern == value }

// verdict is what all faults together do to one call.
type verdict struct {
	mode   Mode // "" for none
	fault  Fault
	delay  time.Duration
	lifted <-chan struct{}
}

type entry struct {
	Fault
	left   int           // of Times
	lifted chan struct{} // closed when the fault is gone
}

// table holds the faults in the order they were set, and the calls under way.
type table struct {
	mu      sync.Mutex
	next    int
	entries []*entry
	flights map[*flight]struct{}
}

type flight struct {
	call   Call
	cancel context.CancelCauseFunc
}

var errCut = errors.New("edge: cut while under way")

func newTable() *table { return &table{flights: map[*flight]struct{}{}} }

// judge adds up the delays of all matching faults; the first other one decides the rest.
func (t *table) judge(c Call) verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	var v verdict
	for i := 0; i < len(t.entries); i++ {
		e := t.entries[i]
		if !e.matches(c) || v.mode != "" && e.Mode != Delay {
			continue
		}
		v.delay += time.Duration(e.Delay)
		if e.Mode != Delay {
			v.mode, v.fault, v.lifted = e.Mode, e.Fault, e.lifted
		}
		if e.Times > 0 {
			if e.left--; e.left == 0 {
				t.entries = slices.Delete(t.entries, i, i+1)
				i--
			}
		}
	}
	return v
}

// watch remembers a call until the returned function is called, so that a later cut ends it.
func (t *table) watch(c Call, cancel context.CancelCauseFunc) (done func()) {
	f := &flight{c, cancel}
	t.mu.Lock()
	t.flights[f] = struct{}{}
	t.mu.Unlock()
	return func() {
		t.mu.Lock()
		delete(t.flights, f)
		t.mu.Unlock()
	}
}

// add sets a fault. One with the same ID is replaced, so setting it twice is setting it once.
func (t *table) add(f Fault) (Fault, error) {
	if err := f.validate(); err != nil {
		return Fault{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.ID == "" {
		t.next++
		f.ID = "fault-" + strconv.Itoa(t.next)
	}
	t.removeLocked(f.ID)
	t.entries = append(t.entries, &entry{Fault: f, left: f.Times, lifted: make(chan struct{})})
	if f.Mode == Cut && f.Times == 0 {
		for flight := range t.flights {
			if f.matches(flight.call) {
				flight.cancel(errCut)
			}
		}
	}
	return f, nil
}

// remove lifts the fault with this ID, or all for Any. Lifting what is not there is fine.
func (t *table) remove(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.removeLocked(id)
}

func (t *table) removeLocked(id string) {
	t.entries = slices.DeleteFunc(t.entries, func(e *entry) bool {
		if e.ID != id && id != Any {
			return false
		}
		close(e.lifted)
		return true
	})
}

func (t *table) list() []Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	faults := make([]Fault, 0, len(t.entries))
	for _, e := range t.entries {
		faults = append(faults, e.Fault)
	}
	return faults
}
