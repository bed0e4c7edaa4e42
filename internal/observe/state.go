package observe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"example.com/unbroken/internal/region"
)

// verdicts are those of all observers, by loop region and observer, with their evidence.
type verdicts map[string]map[string]Verdict

// views reads what is known of all regions from the nearest table that answers: everyone's verdicts too, which tell
// who is silent even where only operators drain.
func (o *Observer) views(ctx context.Context) (map[string]region.View, verdicts, error) {
	var errs []error
	for _, table := range nearest(o.Region, o.Loop) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		kept := &keeping{Documents: o.Docs, docs: map[string]map[string]json.RawMessage{}}
		views, err := region.Reader{Docs: kept, Loop: o.Loop, Observers: o.All}.Views(ctx, table)
		cancel()
		if err == nil {
			said := verdicts{}
			for _, name := range o.Loop {
				said[name] = read(kept.docs[region.VerdictKey(name)])
			}
			return views, said, nil
		}
		errs = append(errs, err)
	}
	return nil, nil, errors.Join(errs...)
}

// keeping are documents that keep what was read: of a verdict, views have no evidence.
type keeping struct {
	Documents
	mu   sync.Mutex
	docs map[string]map[string]json.RawMessage
}

func (k *keeping) Query(ctx context.Context, table, pk string) (map[string]json.RawMessage, error) {
	docs, err := k.Documents.Query(ctx, table, pk)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.docs[pk] = docs
	return docs, err
}

// read leaves out what is not written by this program: it is missing data.
func read(docs map[string]json.RawMessage) map[string]Verdict {
	all := map[string]Verdict{}
	for observer, raw := range docs {
		var v Verdict
		if json.Unmarshal(raw, &v) == nil {
			all[observer] = v
		}
	}
	return all
}

// others counts the other observers whose fresh verdicts have a check of a region bad.
func (o *Observer) others(said verdicts, name, check string) (n int) {
	for observer, v := range said[name] {
		if observer != o.Region && region.IsFresh(o.Now(), v.At) && v.check(check).State == Bad {
			n++
		}
	}
	return n
}

// before is this observer's last verdict on a region, from the nearest table that answers; none where none does.
func (o *Observer) before(ctx context.Context, name string) Verdict {
	for _, table := range nearest(o.Region, o.Loop) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		docs, err := o.Docs.Query(ctx, table, region.VerdictKey(name))
		cancel()
		if err == nil {
			return read(docs)[o.Region]
		}
	}
	return Verdict{}
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
		if old := last.check(c.Name); !gap && old.State == c.State && !old.Since.IsZero() {
			c.Since = old.Since
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
		if peer != o.Region && !region.IsFresh(o.Now(), heard(views, peer)) {
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
			e := v.Now(now)
			// What they flipped before counts for nobody any more.
			if ordered := cmp.Or(v.Order(now).State, region.Active); e.State != ordered {
				e = region.Entry{State: ordered, Since: now, After: e.Since, By: o.Region, Why: "only operators drain"}
			}
			states[name] = e
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
		if was := views[name].Now(now); was.State != e.State {
			e.By, e.Why = o.Region, evidence[name]
			if e.After = was.Since; was.Since.IsZero() {
				e.After = time.Unix(0, 0).UTC()
			}
			states[name] = e
			errs = append(errs, o.everywhere(ctx, region.StateKey(name), o.Region, e, 0))
		}
	}
	return states, errs
}
