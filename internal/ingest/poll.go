package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// Records are JSON records that all regions see alike, in `claims`.
type Records interface {
	// Load reads a record and its revision; nil and 0 where there is none.
	Load(ctx context.Context, key string) (doc json.RawMessage, rev int64, err error)
	// Store writes a record if the one that stands has revision standing, 0 for none; otherwise loop.ErrConflict.
	Store(ctx context.Context, key string, doc any, standing int64) error
}

// Value is one value of a metric, over the period that begins At.
type Value struct {
	At    time.Time
	Value float64
}

// Meter reads what was measured in [from, to): one series per metric, in any order of time. It asks for many metrics
// at once.
type Meter interface {
	Read(ctx context.Context, from, to time.Time, period time.Duration, metrics []loop.Metric) ([][]Value, error)
}

const (
	// settle is how long after a period's end its value is waited for: what is read sooner may still change.
	settle = time.Minute
	// lookBack bounds how far a poll reads back: further than a metric may come late, or two regions be away.
	lookBack = 15 * time.Minute
	// lease is how long one region reads undisturbed, longer than its function may run. What a dead one did not finish,
	// another region reads at its next turn.
	lease = 45 * time.Second
)

// Poller asks for what nobody pushes. It runs once a minute in every loop region, and the cursor decides which one reads.
type Poller struct {
	acceptor *Acceptor
	records  Records
	meter    Meter
}

// NewPoller makes the poller of all inputs of kind poll.
func NewPoller(a *Acceptor, records Records, meter Meter) *Poller {
	return &Poller{acceptor: a, records: records, meter: meter}
}

// Run polls each input that is due. What fails of one does not keep the others, and is read by the next run.
func (p *Poller) Run(ctx context.Context) error {
	var errs []error
	for name, in := range p.acceptor.cfg.Inputs {
		if in.Kind != loop.KindPoll {
			continue
		}
		if err := p.poll(ctx, name, in); err != nil {
			errs = append(errs, fmt.Errorf("poll input %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (p *Poller) poll(ctx context.Context, name string, in loop.Input) error {
	wanted, back, err := p.wanted(ctx, name)
	if err != nil || !wanted {
		return err
	}
	every := in.Every.Std()
	now := p.acceptor.cfg.Now().UTC()
	cursor, rev, err := p.cursor(ctx, name)
	if err != nil {
		return err
	}
	end := now.Add(-settle).Truncate(every)
	if !cursor.Through.Before(end) || cursor.Owner != "" && now.Before(cursor.Until) {
		return nil // another region has read it, or is about to
	}
	cursor.Owner, cursor.Until = p.acceptor.cfg.Region, now.Add(lease)
	switch err := p.records.Store(ctx, loop.CursorKey(name), cursor, rev); {
	case errors.Is(err, loop.ErrConflict):
		return nil // another region was first
	case err != nil:
		return err
	}
	from := end.Add(-max(back, 2*every)).Truncate(every)
	if back == lookBack && cursor.Through.IsZero() {
		from = end.Add(-every) // the first poll ever begins with the newest value, not with the past
	}
	read, err := p.read(ctx, name, in, cursor, from, end)
	if err != nil {
		return err // the lease ends by itself, and the next turn reads the same again
	}
	next := loop.Cursor{Through: end, Last: read}
	if err := p.records.Store(ctx, loop.CursorKey(name), next, rev+1); err != nil && !errors.Is(err, loop.ErrConflict) {
		return err
	}
	return nil // with a conflict another region took over, and what both sent has the same ids
}

// wanted says whether the input is to be read, and how far back. One that stands by for others is read while one of
// them is stalled, and further back: there is what was missed before that was noticed.
func (p *Poller) wanted(ctx context.Context, name string) (wanted bool, back time.Duration, err error) {
	alone := true
	for primary, in := range p.acceptor.cfg.Inputs {
		if in.Standby != name {
			continue
		}
		alone = false
		raw, _, err := p.records.Load(ctx, loop.WatchedKey(primary))
		if err != nil {
			return false, 0, err
		}
		var w loop.Watched
		if raw != nil {
			if err := json.Unmarshal(raw, &w); err != nil {
				return false, 0, fmt.Errorf("read how %s fares: %w", primary, err)
			}
		}
		if w.Stalled {
			wanted, back = true, max(back, 3*in.ExpectEvery.Std())
		}
	}
	return wanted || alone, back + lookBack, nil
}

func (p *Poller) cursor(ctx context.Context, name string) (c loop.Cursor, rev int64, err error) {
	raw, rev, err := p.records.Load(ctx, loop.CursorKey(name))
	if err == nil && raw != nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		return c, 0, fmt.Errorf("read the cursor: %w", err)
	}
	return c, rev, nil
}

// read makes signals of the values that are newer than the last ones, accepts them, and returns which are the last now.
// A metric's values come in order or are late together, so that each metric has a place of its own.
func (p *Poller) read(ctx context.Context, name string, in loop.Input, c loop.Cursor, from, to time.Time) (map[string]time.Time, error) {
	every := in.Every.Std()
	series, err := p.meter.Read(ctx, from, to, every, in.Metrics)
	if err != nil {
		return nil, err
	}
	last := map[string]time.Time{}
	var arrivals []Arrival
	for i, m := range in.Metrics {
		newest := c.Last[m.Name]
		for _, v := range slices.SortedFunc(slices.Values(series[i]), func(a, b Value) int { return a.At.Compare(b.At) }) {
			if !v.At.After(newest) || v.At.Add(every).After(to) {
				continue
			}
			signal, err := measured(in, m, v)
			if err != nil {
				return nil, err
			}
			arrivals, newest = append(arrivals, Arrival{Signal: signal}), v.At
		}
		last[m.Name] = newest
	}
	for _, r := range p.acceptor.Accept(ctx, name, arrivals) {
		if loop.CodeOf(r.Err) == loop.CodeUnavailable {
			return nil, r.Err
		}
	}
	return last, nil
}

// measured is the signal of one value. Its id is what was measured and when: whoever reads it, it is the same signal.
func measured(in loop.Input, m loop.Metric, v Value) (loop.Signal, error) {
	data, err := loop.Marshal(map[string]any{
		"value": v.Value, "stat": m.Stat, "period": in.Every.Std().Seconds(), "namespace": m.Namespace, "metric": m.Metric, "dimensions": m.Dimensions, "region": m.Region,
	})
	if err != nil {
		return loop.Signal{}, fmt.Errorf("metric %s: %w", m.Name, err)
	}
	n := notice{
		id: m.Name + "/" + v.At.UTC().Format(time.RFC3339), source: in.Source, typ: TypeMetric, subject: m.Name,
		time: v.At.Add(in.Every.Std()).UTC().Format(time.RFC3339), data: data,
	}
	signal, err := n.signal()
	if err != nil {
		return loop.Signal{}, fmt.Errorf("metric %s: %w", m.Name, err)
	}
	return signal, nil
}

// TypeMetric is the type of the signals of CloudWatch metrics.
const TypeMetric = "com.amazonaws.cloudwatch.metric"
