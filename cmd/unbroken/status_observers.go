package main

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/region"
)

// observed is the newest verdict of one observer on one region.
type observed struct {
	Observer string          `json:"observer"`
	Region   string          `json:"region"`
	At       time.Time       `json:"at,omitzero"` // zero where it never reported
	Healthy  bool            `json:"healthy"`
	Bad      []observe.Check `json:"bad,omitempty"` // checks that are not ok
}

// observers reads the verdicts on the regions from every table that answers; each observer writes into all of them,
// so the newest copy is its last word.
func (r *reach) observers(ctx context.Context, regions []string) []observed {
	ctx, cancel := callContext(ctx)
	defer cancel()
	tables := r.cfg.Regions.Loop
	found := make([]map[string]json.RawMessage, len(regions)*len(tables))
	var group errgroup.Group
	for i, name := range regions {
		for k, table := range tables {
			group.Go(func() error {
				// A table that does not answer is seen where the table is shown.
				found[i*len(tables)+k], _ = r.Docs.Query(ctx, table, region.VerdictKey(name))
				return nil
			})
		}
	}
	_ = group.Wait()
	type pair struct{ observer, region string }
	newest := map[pair]observe.Verdict{}
	for _, docs := range found {
		for _, raw := range docs {
			var v observe.Verdict
			if json.Unmarshal(raw, &v) != nil {
				continue // an unreadable verdict is missing data
			}
			if p := (pair{v.Observer, v.Region}); v.At.After(newest[p].At) {
				newest[p] = v
			}
		}
	}
	var list []observed
	for _, observer := range r.cfg.Regions.All() {
		for _, region := range regions {
			list = append(list, verdict(observer, region, newest[pair{observer, region}]))
			delete(newest, pair{observer, region})
		}
	}
	for p, v := range newest { // observers that loop.yaml does not name
		list = append(list, verdict(p.observer, p.region, v))
	}
	slices.SortStableFunc(list, func(a, b observed) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Observer, b.Observer))
	})
	return list
}

func verdict(observer, region string, v observe.Verdict) observed {
	o := observed{Observer: observer, Region: region, At: v.At, Healthy: v.Healthy}
	for _, c := range v.Checks {
		if c.State != observe.OK {
			o.Bad = append(o.Bad, c)
		}
	}
	return o
}

// attention lists what a person should look at, worst first.
func (s *status) attention(cfg *loop.Config) []string {
	list := []string{}
	for _, r := range s.Regions {
		list = append(list, r.attention()...)
	}
	if s.Witness != nil {
		list = append(list, s.Witness.attention()...)
	}
	for _, o := range s.Observers {
		switch {
		case !slices.Contains(cfg.Regions.All(), o.Observer):
			list = append(list, "observer "+o.Observer+" is not in loop.yaml but reports on "+o.Region)
		case o.At.IsZero():
			list = append(list, "observer "+o.Observer+" has never reported on "+o.Region)
		case !region.IsFresh(s.At, o.At) && o.At.After(s.At):
			list = append(list, "observer "+o.Observer+" has a clock that is "+o.At.Sub(s.At).Round(time.Second).String()+" ahead: what it says of "+o.Region+" does not count")
		case !region.IsFresh(s.At, o.At):
			list = append(list, "observer "+o.Observer+" was last heard on "+o.Region+" "+age(s.At, o.At))
		case !o.Healthy:
			list = append(list, "observer "+o.Observer+" objects to "+o.Region)
		}
	}
	return list
}

func (r *regionStatus) attention() (list []string) {
	if !r.Reachable {
		return []string{r.Region + " does not answer"}
	}
	if e := r.Endpoint; e != nil && e.Health != "ok" {
		list = append(list, r.Region+": the endpoint is "+e.Health+": "+e.Error)
	}
	for _, q := range r.Queues {
		switch n := q.Visible + q.InFlight; {
		case q.Error != "":
			list = append(list, r.Region+": queue "+q.Name+": "+q.Error)
		case isDeadLetter(q.Name) && n > 0:
			list = append(list, r.Region+": "+plural(n, "message")+" in "+q.Name)
		}
	}
	for _, f := range r.Functions {
		switch {
		case f.Error != "":
			list = append(list, r.Region+": function "+f.Name+": "+f.Error)
		case f.State != "Active" && f.State != "":
			list = append(list, r.Region+": function "+f.Name+" is "+f.State)
		case fed(f.Name) && !slices.Contains(f.Feeds, "Enabled"):
			list = append(list, r.Region+": no queue feeds "+f.Name)
		}
	}
	for _, t := range r.Tables {
		if t.Error != "" || t.Status != "ACTIVE" {
			list = append(list, r.Region+": table "+t.Name+": "+cmp.Or(t.Error, t.Status))
		}
	}
	return list
}

func isDeadLetter(name string) bool {
	all := append(loop.Queues(), loop.QueueArchive)
	return slices.ContainsFunc(all, func(q string) bool { return loop.DeadLetter(q) == name })
}

func (s *status) unreachable() (dead []string) {
	for _, r := range s.Regions {
		if !r.Reachable {
			dead = append(dead, r.Region)
		}
	}
	if s.Witness != nil && !s.Witness.Reachable {
		dead = append(dead, s.Witness.Region)
	}
	return dead
}
