package mem

import (
	"context"
	"errors"
	"maps"
	"slices"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/sweep"
)

// ClaimsTable is claims and episodes as the one table that they are, for the sweeper.
type ClaimsTable struct {
	claims   *Claims
	episodes *Episodes
	limits   *Limits
	region   string
}

var _ sweep.Table = ClaimsTable{}

// NewClaimsTable returns the table as region sees it.
func NewClaimsTable(c *Claims, e *Episodes, region string) ClaimsTable {
	return ClaimsTable{claims: c, episodes: e, region: region}
}

// WithLimits adds the budgets and throttles to what the table has.
func (t ClaimsTable) WithLimits(l *Limits) ClaimsTable {
	t.limits = l
	return t
}

// Scan implements sweep.Table. A record's segment follows from its key; within one, records come in the order of keys.
func (t ClaimsTable) Scan(ctx context.Context, q sweep.Query) (page sweep.Page, err error) {
	err = t.claims.fault.call(ctx, Op{Service: "claims", From: t.region, Region: t.region, Name: "Scan"}, func() error {
		claims, err := t.claims.All()
		if err != nil {
			return err
		}
		episodes, err := t.episodes.All()
		if err != nil {
			return err
		}
		records := map[string]any{}
		for _, c := range claims {
			records["effect#"+c.EffectID] = c
		}
		for _, e := range episodes {
			records["episode#"+e.RuleID+"#"+loop.KeyHash(e.Key)] = e
		}
		if t.limits != nil {
			limits, err := t.limits.all()
			if err != nil {
				return err
			}
			for _, l := range limits {
				records[l.Key] = l
			}
		}
		for _, key := range slices.Sorted(maps.Keys(records)) {
			if key <= q.After || segmentOf(key, q.Segments) != q.Segment {
				continue
			}
			if page.Scanned == q.Limit {
				return nil // there is more: page.Next is the last one seen
			}
			page.Scanned, page.Units, page.Next = page.Scanned+1, page.Units+0.5, key
			switch r := records[key].(type) {
			case loop.Claim:
				if q.Status == "" || q.Status == r.Status {
					page.Claims = append(page.Claims, r)
				}
			case decide.Episode:
				if q.Status == "" {
					page.Episodes = append(page.Episodes, summary(r))
				}
			case sweep.Limit:
				if q.Status == "" {
					page.Limits = append(page.Limits, r)
				}
			}
		}
		page.Next = ""
		return nil
	})
	return page, err
}

func segmentOf(key string, segments int) int {
	n := 0
	for _, b := range []byte(loop.H("segment", key))[:4] {
		n = 31*n + int(b)
	}
	return n % max(segments, 1)
}

func summary(e decide.Episode) sweep.Episode {
	s := sweep.Episode{RuleID: e.RuleID, Key: e.Key, N: e.N, Rev: e.Rev, Open: e.Open, UpdatedAt: e.UpdatedAt}
	s.Pending, s.Oldest = e.Pending()
	return s
}

// Episode implements sweep.Table.
func (t ClaimsTable) Episode(ctx context.Context, ruleID, key string) (sweep.Episode, error) {
	e, err := t.episodes.In(t.region).Get(ctx, decide.Ref{RuleID: ruleID, Key: key})
	return summary(e), err
}

// DeleteClaim implements sweep.Table.
func (t ClaimsTable) DeleteClaim(ctx context.Context, c loop.Claim) error {
	return claimsView{t.claims, t.region}.call(ctx, "Delete", c.EffectID, func() error {
		standing, ok := t.claims.docs[c.EffectID]
		if !ok {
			return loop.ErrFenced
		}
		if standing.holder.Token != c.Token || standing.holder.Status != c.Status {
			return loop.ErrFenced
		}
		delete(t.claims.docs, c.EffectID)
		return nil
	})
}

// DeleteEpisode implements sweep.Table.
func (t ClaimsTable) DeleteEpisode(ctx context.Context, e sweep.Episode) error {
	ref := decide.Ref{RuleID: e.RuleID, Key: e.Key}
	view := episodesView{t.episodes, t.region}
	return view.call(ctx, "Delete", ref, func() error {
		stored, err := view.read(ref)
		if err != nil || stored.Rev != e.Rev || stored.Rev == 0 {
			return errors.Join(loop.ErrFenced, err)
		}
		delete(t.episodes.docs, ref)
		return nil
	})
}
