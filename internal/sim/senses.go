package sim

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/observe"
)

// from are the documents as reached from a region, "" for who stands outside.
func (h *health) from(region string) documents {
	return documents{h.w, mem.NewDocuments(h.table, region), region}
}

// documents reach what their region does. No deadline counts: those would pass by the wall's clock.
type documents struct {
	w    *World
	all  *mem.Documents
	from string
}

func (d documents) Put(ctx context.Context, region, pk, sk string, doc any, keep time.Duration) error {
	if err := d.reaches(region); err != nil {
		return err
	}
	return d.all.Put(context.WithoutCancel(ctx), region, pk, sk, doc, keep)
}

func (d documents) Query(ctx context.Context, region, pk string) (map[string]json.RawMessage, error) {
	if err := d.reaches(region); err != nil {
		return nil, err
	}
	return d.all.Query(context.WithoutCancel(ctx), region, pk)
}

func (d documents) reaches(region string) error {
	switch t := d.w.clock.running; {
	case t != nil && t.dead:
		return errGone
	case d.from != "" && !d.w.reaches(d.from, region):
		return errUnreachable
	}
	return nil
}

type depths struct {
	w    *World
	from string
}

func (d depths) Depth(ctx context.Context, region, queue string) (visible, inFlight, delayed int, err error) {
	if !d.w.reaches(d.from, region) {
		return 0, 0, 0, errUnreachable
	}
	return d.w.queues.Depth(context.WithoutCancel(ctx), region, queue)
}

type prober struct {
	h    *health
	from string
}

// Probe asks deep health; that it refuses is an answer.
func (p prober) Probe(ctx context.Context, endpoint string) (time.Duration, error) {
	if f := p.h.w.lasting(Observer, p.from); f != nil && f.Mode == observerLies {
		return 0, errUnreachable
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return 0, err
	}
	region := strings.TrimSuffix(u.Host, ".example")
	if !p.h.w.reaches(p.from, region) {
		return 0, errUnreachable
	}
	p.h.deep[region].Fit(context.WithoutCancel(ctx))
	return 0, nil
}

// metrics are always green: what is half dead shows in its canaries only.
type metrics struct {
	w    *World
	from string
}

func (m metrics) Read(_ context.Context, region string, _, _ time.Time, asked []observe.Metric) ([]observe.Series, error) {
	if !m.w.reaches(m.from, region) || m.w.lasting(Blind, region) != nil {
		return nil, errUnreachable
	}
	all := make([]observe.Series, len(asked))
	for i, a := range asked {
		all[i] = observe.Series{0}
		if slices.Contains([]string{"NumberOfMessagesReceived", "NumberOfMessagesDeleted", "Invocations"}, a.Name) {
			all[i] = observe.Series{2}
		}
	}
	return all, nil
}

type gauge struct {
	h      *health
	region string
}

// Publish is what the observer's alarms go by.
func (g gauge) Publish(_ context.Context, r observe.Reading) error {
	if f := g.h.w.lasting(Blind, g.region); f != nil {
		g.h.w.result.Struck[f.Row]++
		return errUnreachable
	}
	for judged, v := range r.Verdicts {
		g.h.dns[judged].published(slices.Index(g.h.w.plan.regions(), g.region), g.h.w.clock.now, v)
	}
	return nil
}
