package sim

import (
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
	regions "example.com/unbroken/internal/region"
)

// leaves is within what a region that answers and does no work is out of DNS: its last canary may be CanaryEvery older
// than the fault, health refuses once it is older than CanaryKeep, and three checks in a row have to see that.
const leaves = 150 * time.Second

// halfDead are the ways in which a region may look well from outside and do nothing.
func halfDead(region string) []Fault {
	return []Fault{
		{Kind: Bad, Region: region},
		{Kind: Stop, Region: region, Mode: loop.QueueActions},
		{Kind: Stop, Region: region, Mode: loop.QueueSignals},
		{Kind: Fail, Region: region, Point: AnyClaims, P: 1},
		{Kind: Mute, Region: region},
		{Kind: Deaf, Region: region},
		{Kind: Stop, Region: region, Mode: loop.QueueInbox},
	}
}

func (f Fault) halfDead() bool {
	return f.For > 0 && slices.ContainsFunc(halfDead(f.Region), func(h Fault) bool {
		return h.Kind == f.Kind && h.Mode == f.Mode && h.Point == f.Point && h.P == f.P && f.Region != ""
	})
}

// monitored is P5, and what P3 says of DNS.
func (l *ledger) monitored() {
	h := l.health
	if h == nil {
		return
	}
	l.dwells()
	l.result.Flips = len(h.flips)
	for _, name := range l.plan.Loop {
		l.result.Returned += len(h.dns[name].changes) / 2
	}
	ills := slices.DeleteFunc(slices.Clone(l.plan.Faults), func(f Fault) bool { return f.Kind == Observer || f.Kind == Blind })
	if len(ills) == 0 {
		for _, f := range h.flips {
			l.violate("P5", "%s became %s, and nothing was wrong but with monitors", f.region, f.to)
		}
		for _, name := range l.plan.Loop {
			for _, c := range h.dns[name].changes {
				l.violate("P5", "DNS said %v of %s at %s, and nothing was wrong but with monitors", c.healthy, name, c.at.Format(time.TimeOnly))
			}
		}
	}
	if len(ills) == 1 && ills[0].halfDead() && ills[0].For > leaves {
		l.left(ills[0])
	}
	if len(ills) > 0 && !slices.ContainsFunc(ills, func(f Fault) bool { return f.Row != "46" }) {
		l.hedged()
	}
	if !h.whole() && !l.anyLost {
		l.violate("P3", "a region has not returned %s after the last fault", seconds(h.until.Sub(h.ill)))
	}
}

// The dwells in plain numbers: a constant of package region that shrinks would be a storm of flips, too.
const (
	staysActive  = 5 * time.Minute
	staysDrained = 10 * time.Minute
)

// dwells: no region flips twice within a dwell, whatever happens.
func (l *ledger) dwells() {
	last := map[string]flip{}
	for _, f := range l.health.flips {
		dwell := staysActive
		if f.to == regions.Active {
			dwell = staysDrained
		}
		if before, ok := last[f.region]; ok && f.at.Sub(before.at) < dwell {
			l.violate("P5", "%s became %s %s after it became %s", f.region, f.to, seconds(f.at.Sub(before.at)), before.to)
		}
		last[f.region] = f
	}
}

// left wants a region that is half dead out of DNS in time, and nothing else.
func (l *ledger) left(f Fault) {
	from := start.Add(f.At)
	for _, name := range l.plan.Loop {
		changes := l.health.dns[name].changes
		switch i := slices.IndexFunc(changes, func(c change) bool { return !c.healthy }); {
		case name != f.Region && i >= 0:
			l.violate("P5", "%s left DNS, and only %s was ill", name, f.Region)
		case name != f.Region:
		case i < 0:
			l.violate("P3", "%s did nothing for %s and stayed in DNS", name, f.For)
		case changes[i].at.Before(from) || changes[i].at.Sub(from) > leaves:
			l.violate("P3", "%s left DNS %s after it fell ill", name, seconds(changes[i].at.Sub(from)))
		default:
			l.result.Left = changes[i].at.Sub(from)
		}
	}
}

// hedged: a producer with an old answer of DNS is accepted elsewhere at once. Policy `all` waits for a second copy.
func (l *ledger) hedged() {
	for i := range l.plan.Signals {
		s := &l.plan.Signals[i]
		if s.Input != "loose" || s.outOfRange() {
			continue
		}
		sent := start.Add(s.At)
		at := slices.IndexFunc(l.book.accepted, func(a acceptance) bool { return a.ID == s.ID && !a.at.Before(sent) })
		if at < 0 || l.book.accepted[at].at.Sub(sent) > 2*time.Second {
			l.violate("P3", "%s was not accepted within two seconds", s.ID)
		}
	}
}
