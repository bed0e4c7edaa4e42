package observe

import (
	"maps"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
)

// finding is something that is bad or is not, as an observer sees it now.
type finding struct {
	subject   string
	state     State     // Unknown changes nothing
	since     time.Time // it has been in this state
	at        time.Time // when it came into it, for the signal
	ends      time.Time // what the end of a bad state is named by; zero where by the since of what it ends
	own       bool      // of this observer; otherwise all see the same
	others    int       // of own: other observers that have it bad
	bad, good string    // types of the signals
	data      map[string]any
}

// findings are all that there is to tell of, in a fixed order. Of a region or an observer that nobody has heard of yet
// there is nothing.
func (o *Observer) findings(found []Verdict, states map[string]region.Entry, views map[string]region.View, said verdicts) (all []finding) {
	for _, v := range found {
		for _, c := range v.Checks {
			others := o.others(said, v.Region, c.Name)
			all = append(all, finding{
				subject: v.Region + "/" + c.Name, state: c.State, since: c.Since, at: c.Since, own: true, others: others, bad: loop.TypeCheckBad, good: loop.TypeCheckRecovered,
				data: map[string]any{
					"region": v.Region, "check": c.Name, "votes": c.Votes, "value": c.Value, "detail": c.Detail, "observer": o.Region, "others": others,
				},
			})
		}
	}
	for _, name := range o.Loop {
		e, ok := states[name]
		f := finding{
			subject: name, state: OK, since: e.Name(), at: e.Since, ends: e.Name(), bad: loop.TypeRegionDrained, good: loop.TypeRegionReturned,
			data: map[string]any{"region": name, "by": e.By, "why": e.Why},
		}
		switch {
		case !ok:
			f.state = Unknown
		case e.State == region.Drained:
			f.state = Bad
		}
		all = append(all, f)
	}
	for _, peer := range o.All {
		if peer == o.Region {
			continue
		}
		last := heard(views, peer)
		f := finding{
			subject: "observer/" + peer, state: OK, since: last, at: last, bad: loop.TypeObserverSilent, good: loop.TypeObserverHeard,
			data: map[string]any{"observer": peer},
		}
		switch {
		case last.IsZero():
			f.state = Unknown
		case !region.IsFresh(o.Now(), last):
			f.state, f.at = Bad, last.Add(region.Fresh)
		}
		all = append(all, f)
	}
	return all
}

// gone are the findings of regions that are not in the file any more: nobody looks at them, and nothing of them is bad.
func (o *Observer) gone(t told) (all []finding) {
	for _, key := range slices.Sorted(maps.Keys(t)) {
		subject := strings.TrimPrefix(key, waiting)
		name, check, isCheck := strings.Cut(subject, "/")
		there, why := o.Loop, name+" is not a region of the loop any more"
		f := finding{subject: subject, state: OK, at: o.Now()}
		switch {
		case name == "observer" && isCheck: // of the region that the rest names
			name, there = check, o.All
			f.good, f.data = loop.TypeObserverHeard, map[string]any{"observer": name}
		case isCheck:
			f.own, f.good = true, loop.TypeCheckRecovered
			f.data = map[string]any{"region": name, "check": check, "votes": false, "value": "", "detail": why, "observer": o.Region, "others": 0}
		default:
			f.good, f.data = loop.TypeRegionReturned, map[string]any{"region": name, "by": o.Region, "why": why}
		}
		if !slices.Contains(there, name) {
			all = append(all, f)
		}
	}
	return all
}

// told is what an observer has told of and not taken back: since when each subject has been bad. Under waiting stands what
// it has taken back while others had it bad.
type told map[string]time.Time

const waiting = "~"

// changes are the signals that are due, and what is told once they are sent. Only what turned is told: what is bad and
// told stands, and what cannot be seen stands as it is. What this observer did not see for a while, and finds bad again, it
// tells anew: whoever has it well may have said meanwhile that nobody has it bad. Who took back what others had bad does so
// once more when none has: the last of them may have died without a word, and whoever waits for nobody to have it bad would
// wait for ever.
func (t told) changes(findings []finding, observer string) (due []loop.Signal, after told) {
	after = told{}
	for subject, since := range t {
		after[subject] = since
	}
	for _, f := range findings {
		since, open := t[f.subject]
		was, waits := t[waiting+f.subject]
		switch {
		case f.state == Bad && (!open || f.own && f.since.After(since)):
			after[f.subject] = f.since
			delete(after, waiting+f.subject)
			due = append(due, f.signal(f.bad, f.since, observer))
		case f.state == OK && open:
			delete(after, f.subject)
			if f.others > 0 {
				after[waiting+f.subject] = since
			}
			if !f.ends.IsZero() {
				since = f.ends
			}
			due = append(due, f.signal(f.good, since, observer))
		case f.state == OK && waits && f.others == 0:
			delete(after, waiting+f.subject)
			last := f.signal(f.good, was, observer)
			last.ID = loop.H(last.ID, "nobody else")
			due = append(due, last)
		}
	}
	return due, after
}

func (f finding) signal(typ string, since time.Time, observer string) loop.Signal {
	by := ""
	if f.own {
		by = observer
	}
	data, err := loop.Marshal(f.data)
	if err != nil {
		panic(err) // text and numbers always encode
	}
	return loop.Signal{
		ID: loop.H("finding", typ, f.subject, by, since.UTC().Format(time.RFC3339Nano)), Source: loop.WatcherSource, Type: typ,
		Subject: f.subject, Time: f.at.UTC(), DataContentType: "application/json", Data: data,
	}
}
