// Package healthcheck evaluates Route 53 health checks, which the emulator stores and never looks at: endpoints by
// asking them, CloudWatch alarms by their state, and calculated checks by their children.
//
// Timing is AWS's: an endpoint is asked every 10 or 30 seconds, and changes its state after as many equal answers in a
// row as the check's threshold. Route 53 asks from some fifteen places, each counting by itself, and an endpoint is
// healthy when more than 18 % of them say so. Here all places are one machine and would say the same, so one asks.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
//
// It must not know unbroken. It leaves out: TCP and string-matching checks and recovery controls, which count as
// healthy, and that Route 53 follows the data stream of an alarm rather than its state.
package healthcheck

import (
	"slices"
	"sync"
	"time"
)

// Kind is what a check looks at.
type Kind int

// The kinds of checks.
const (
	Endpoint   Kind = iota // an HTTP answer of 2xx or 3xx
	Alarm                  // a CloudWatch alarm's state
	Calculated             // so many healthy children
)

// Insufficient is what a check on an alarm without enough data says.
type Insufficient int

// What a check on an alarm without enough data may say.
const (
	LastKnown Insufficient = iota
	Healthy
	Unhealthy
)

// Check is the configuration of a health check.
type Check struct {
	ID       string
	Kind     Kind
	Inverted bool
	Disabled bool // always healthy

	// Of an endpoint.
	URL       string // http://host:port/path; the host is looked up in the zone
	Interval  time.Duration
	Threshold int

	// Of an alarm.
	AlarmName, AlarmRegion string
	Insufficient           Insufficient

	// Of a calculated one.
	Children []string
	AtLeast  int // 0 is always healthy
}

// status is what is known of one check.
type status struct {
	check   Check
	healthy bool
	streak  int       // how many answers in a row contradict it
	asked   time.Time // when the endpoint was last asked
}

// Board holds the state of all checks. A new one is healthy until enough answers say otherwise. It is safe for
// concurrent use.
type Board struct {
	mu     sync.RWMutex
	checks map[string]*status
}

// NewBoard returns a board without checks.
func NewBoard() *Board { return &Board{checks: map[string]*status{}} }

// Set makes these the checks. Those that were there keep their state, also when their configuration changes.
func (b *Board) Set(checks []Check) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.checks
	b.checks = map[string]*status{}
	for _, c := range checks {
		s := old[c.ID]
		if s == nil {
			s = &status{healthy: true}
		}
		s.check = c
		b.checks[c.ID] = s
	}
}

// Healthy says what the check says now. One that is not known, or no longer, is healthy: Route 53 does not take a
// record away for a check that was deleted.
func (b *Board) Healthy(id string) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.healthy(id)
}

func (b *Board) healthy(id string) bool {
	s := b.checks[id]
	if s == nil || s.check.Disabled {
		return true
	}
	is := s.healthy
	if s.check.Kind == Calculated {
		n := 0
		for _, child := range s.check.Children {
			// Calculated checks cannot nest; a child that is one counts as healthy and not in circles.
			if c := b.checks[child]; c == nil || c.check.Kind == Calculated || b.healthy(child) {
				n++
			}
		}
		is = n >= s.check.AtLeast
	}
	return is != s.check.Inverted
}

// Due returns the endpoint checks that are to be asked at now, faster than their interval by scale, and notes that
// they are.
func (b *Board) Due(now time.Time, scale float64) []Check {
	return b.pick(func(s *status) bool {
		if s.check.Kind != Endpoint || s.check.Disabled || now.Sub(s.asked) < time.Duration(float64(s.check.Interval)/scale) {
			return false
		}
		s.asked = now
		return true
	})
}

// Alarms returns the checks on alarms.
func (b *Board) Alarms() []Check {
	return b.pick(func(s *status) bool { return s.check.Kind == Alarm })
}

func (b *Board) pick(want func(*status) bool) []Check {
	b.mu.Lock()
	defer b.mu.Unlock()
	var picked []Check
	for _, s := range b.checks {
		if want(s) {
			picked = append(picked, s.check)
		}
	}
	slices.SortFunc(picked, func(x, y Check) int {
		if x.ID < y.ID {
			return -1
		}
		return 1
	})
	return picked
}

// Answered notes what an endpoint said: as many answers in a row as the threshold change its state.
func (b *Board) Answered(id string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.checks[id]
	if s == nil {
		return
	}
	if ok == s.healthy {
		s.streak = 0
		return
	}
	if s.streak++; s.streak >= s.check.Threshold {
		s.healthy, s.streak = ok, 0
	}
}

// Reported notes the state of an alarm, "" for one that cannot be read: that is insufficient data, too.
func (b *Board) Reported(id, state string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.checks[id]
	if s == nil {
		return
	}
	switch {
	case state == "OK":
		s.healthy = true
	case state == "ALARM":
		s.healthy = false
	case s.check.Insufficient == Healthy:
		s.healthy = true
	case s.check.Insufficient == Unhealthy:
		s.healthy = false
	}
}
