package observe

import (
	"context"
	"encoding/json"
	"errors"

	"example.com/unbroken/internal/region"
)

// views reads what is known of all regions from the nearest table that answers: everyone's verdicts too, which tell
// who is silent even where only operators drain.
func (o *Observer) views(ctx context.Context) (map[string]region.View, error) {
	r := region.Reader{Docs: o.Docs, Loop: o.Loop}
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

// last is the observer's own verdict before this one, from the nearest table that answers; the zero one where none
// does.
func (o *Observer) last(ctx context.Context, name string) (v Verdict) {
	for _, table := range nearest(o.Region, o.Loop) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		docs, err := o.Docs.Query(ctx, table, region.VerdictKey(name))
		cancel()
		if err != nil {
			continue
		}
		if json.Unmarshal(docs[o.Region], &v) != nil {
			return Verdict{} // never written, or not by this program: nothing is known
		}
		return v
	}
	return v
}

// after puts in since when things have been as they are. After a gap that begins anew: nobody looked.
func (v Verdict) after(last Verdict) Verdict {
	gap := v.At.Sub(last.At) > region.Fresh
	v.Since = v.At
	if !gap && last.Healthy == v.Healthy && !last.Since.IsZero() {
		v.Since = last.Since
	}
	for i := range v.Checks {
		c := &v.Checks[i]
		c.Since = v.At
		if before := last.check(c.Name); !gap && before.State == c.State && !before.Since.IsZero() {
			c.Since = before.Since
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
	now := o.Now()
	for _, peer := range o.All {
		heard := peer == o.Region
		for _, v := range views {
			at := v.Verdicts[peer].At
			heard = heard || now.Sub(at).Abs() <= region.Fresh
		}
		if !heard {
			n++
		}
	}
	return n
}

// judge writes the flips that are due, to every table. Its own verdicts it has seen before any table did.
func (o *Observer) judge(ctx context.Context, views map[string]region.View, own []Verdict) (errs []error) {
	if views == nil || o.Operator {
		return nil // where nothing is known, nothing is due
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
	now := o.Now().UTC()
	for name, e := range region.Judge(now, views) {
		if e.Since.Equal(now) && e.Order == "" {
			e.By, e.Why = o.Region, evidence[name]
			errs = append(errs, o.everywhere(ctx, region.StateKey(name), o.Region, e, 0))
		}
	}
	return errs
}
