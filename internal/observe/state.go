package observe

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"example.com/unbroken/internal/region"
)

// views reads what is known of all regions from the nearest table that answers: everyone's verdicts too, which tell
// who is silent even where only operators drain.
func (o *Observer) views(ctx context.Context) (map[string]region.View, error) {
	r := region.Reader{Docs: o.Docs, Loop: o.Loop, Observers: o.All}
	var errs []error
	for _, table := range nearest(o.Region, o.Loop) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		views, err := r.Views(ctx, table)
		cancel()
		if err == nil {
			return views, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// before are the verdicts on a region by everybody before this run, from the nearest table that answers; none where none
// does. What is not written by this program is missing data.
func (o *Observer) before(ctx context.Context, name string) map[string]Verdict {
	for _, table := range nearest(o.Region, o.Loop) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		docs, err := o.Docs.Query(ctx, table, region.VerdictKey(name))
		cancel()
		if err != nil {
			continue
		}
		verdicts := map[string]Verdict{}
		for observer, raw := range docs {
			var v Verdict
			if json.Unmarshal(raw, &v) == nil {
				verdicts[observer] = v
			}
		}
		return verdicts
	}
	return nil
}

// after puts in since when things have been as they are, and who else sees them so. After a gap that begins anew: nobody
// looked.
func (v Verdict) after(before map[string]Verdict) Verdict {
	last := before[v.Observer]
	gap := v.At.Sub(last.At) > region.Fresh
	v.Since = v.At
	if !gap && last.Healthy == v.Healthy && !last.Since.IsZero() {
		v.Since = last.Since
	}
	for i := range v.Checks {
		c := &v.Checks[i]
		c.Since, c.Others = v.At, 0
		if old := last.check(c.Name); !gap && old.State == c.State && !old.Since.IsZero() {
			c.Since = old.Since
		}
		for observer, other := range before {
			if observer != v.Observer && v.At.Sub(other.At).Abs() <= region.Fresh && other.check(c.Name).State == Bad {
				c.Others++
			}
		}
	}
	return v
}

// check is the one of that name, or the zero one.
func (v Verdict) check(name string) Check {
	for _, c := range v.Checks {
		if c.Name == name {
			return c
		}
	}
	return Check{}
}

// silent counts the other observers that none of the verdicts is fresh of. They do not vote, so they must page, and
// each pages for the others: who is silent cannot.
func (o *Observer) silent(views map[string]region.View) (n int) {
	for _, peer := range o.All {
		if peer != o.Region && o.Now().Sub(heard(views, peer)).Abs() > region.Fresh {
			n++
		}
	}
	return n
}

// heard is when an observer was last heard; zero for never.
func heard(views map[string]region.View, observer string) (last time.Time) {
	for _, v := range views {
		if at := v.Verdicts[observer].At; at.After(last) {
			last = at
		}
	}
	return last
}

// judge writes the flips that are due, to every table, and returns what every region is meant to do; nothing where
// nothing is known. Its own verdicts it has seen before any table did.
func (o *Observer) judge(ctx context.Context, views map[string]region.View, own []Verdict) (states map[string]region.Entry, errs []error) {
	if views == nil {
		return nil, nil
	}
	now := o.Now().UTC()
	if o.Operator { // observers write nothing
		states = map[string]region.Entry{}
		for name, v := range views {
			states[name] = v.Now(now)
		}
		return states, nil
	}
	evidence := map[string]string{}
	for _, v := range own {
		views[v.Region].Verdicts[o.Region] = region.Verdict{At: v.At, Healthy: v.Healthy, Since: v.Since}
		evidence[v.Region] = "well again"
		for _, c := range v.Checks {
			if c.Votes && c.State == Bad {
				evidence[v.Region] = c.Name + ": " + c.Value + " " + c.Detail
			}
		}
	}
	states = region.Judge(now, views)
	for name, e := range states {
		if e.Since.Equal(now) && e.Order == "" {
			e.By, e.Why = o.Region, evidence[name]
			states[name] = e
			errs = append(errs, o.everywhere(ctx, region.StateKey(name), o.Region, e, 0))
		}
	}
	return states, errs
}
