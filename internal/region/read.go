package region

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Documents are the small JSON items of the `outputs` table.
type Documents interface {
	// Query reads all items of pk from the table of region, by sort key; nil for one that cannot be read.
	Query(ctx context.Context, region, pk string) (map[string]json.RawMessage, error)
}

// Keys of the documents.
func StateKey(region string) string   { return "state#" + region }
func VerdictKey(region string) string { return "verdict#" + region }

// Reader reads what the machine goes by from one table.
type Reader struct {
	Docs      Documents
	Loop      []string // all loop regions
	Observers []string // whose verdicts count; everybody's where none are named
	Operator  bool     // only operators drain: what observers say and wrote is left out
}

// Views reads all regions' facts from the table of a region, at once.
func (r Reader) Views(ctx context.Context, table string) (map[string]View, error) {
	views, errs := make([]View, len(r.Loop)), make([]error, len(r.Loop))
	var all sync.WaitGroup
	for i, name := range r.Loop {
		all.Go(func() { views[i], errs[i] = r.View(ctx, table, name) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("read the states of regions in %s: %w", table, err)
	}
	byName := map[string]View{}
	for i, name := range r.Loop {
		byName[name] = views[i]
	}
	return byName, nil
}

// View reads one region's facts from the table of a region. While it is active and no Quorum objects to it, they are
// enough to say that it does not refuse.
func (r Reader) View(ctx context.Context, table, name string) (v View, err error) {
	var both sync.WaitGroup
	var failed error
	both.Go(func() { v.Entries, err = r.entries(ctx, table, name) })
	if !r.Operator {
		both.Go(func() { v.Verdicts, failed = r.verdicts(ctx, table, name) })
	}
	both.Wait()
	return v, errors.Join(err, failed)
}

func (r Reader) entries(ctx context.Context, table, name string) (map[string]Entry, error) {
	entries, err := query[Entry](ctx, r.Docs, table, StateKey(name))
	if r.Operator {
		maps.DeleteFunc(entries, func(writer string, _ Entry) bool { return !strings.HasPrefix(writer, operator) })
	}
	return entries, err
}

// verdicts leaves out observers that the loop does not have: of a region that was taken out of it, or of nobody.
func (r Reader) verdicts(ctx context.Context, table, name string) (map[string]Verdict, error) {
	verdicts, err := query[Verdict](ctx, r.Docs, table, VerdictKey(name))
	if len(r.Observers) > 0 {
		maps.DeleteFunc(verdicts, func(observer string, _ Verdict) bool { return !slices.Contains(r.Observers, observer) })
	}
	return verdicts, err
}

// UnmarshalJSON refuses what does not say whether the region is well: read as false, it would be an objection.
func (v *Verdict) UnmarshalJSON(raw []byte) error {
	type fields Verdict
	var said struct {
		fields
		Healthy *bool `json:"healthy"`
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		return err
	}
	if said.Healthy == nil {
		return errSilent
	}
	*v = Verdict(said.fields)
	v.Healthy = *said.Healthy
	return nil
}

var errSilent = errors.New("the verdict does not say whether the region is well")

// query leaves out what cannot be read: it is missing data, and has no voice.
func query[T any](ctx context.Context, docs Documents, table, pk string) (map[string]T, error) {
	raw, err := docs.Query(ctx, table, pk)
	all := map[string]T{}
	for writer, one := range raw {
		var v T
		if json.Unmarshal(one, &v) == nil {
			all[writer] = v
		}
	}
	return all, err
}

// askEvery and patience bound how often and how long the gate keeps a producer waiting for the table.
const (
	askEvery = time.Second
	patience = 300 * time.Millisecond
)

// Gate tells ingest whether its region is drained. It asks its own table once a second. Where that does not answer,
// what was known last goes on counting: taking signals does not depend on the table.
type Gate struct {
	Reader
	Region string
	Now    func() time.Time

	mu      sync.Mutex
	asked   time.Time
	refuses bool
}

// Refuses says whether new signals are to go elsewhere.
func (g *Gate) Refuses(ctx context.Context) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.Now()
	if !g.asked.IsZero() && now.Sub(g.asked) < askEvery {
		return g.refuses
	}
	g.asked = now
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	// Nearly always one small read is enough: nobody has drained the region.
	own, err := g.entries(ctx, g.Region, g.Region)
	if err != nil {
		return g.refuses
	}
	if (View{Entries: own}).Now(now).State == Active {
		g.refuses = false
	} else if views, err := g.Views(ctx, g.Region); err == nil {
		g.refuses = Refuses(now, g.Region, views)
	}
	return g.refuses
}
