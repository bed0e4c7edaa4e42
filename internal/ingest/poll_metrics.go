package ingest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

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

// TypeMetric is the type of the signals of CloudWatch metrics.
const TypeMetric = "com.amazonaws.cloudwatch.metric"

const (
	// settle is how long after a period's end its value is waited for: what is read sooner may still change.
	settle = time.Minute
	// lookBack bounds how far a poll reads back: further than a metric may come late, or two regions be away.
	lookBack = 15 * time.Minute
)

// metrics makes signals of the values that are newer than the last ones. A metric's values come in order or are late
// together, so that each metric has a place of its own.
func (p *Poller) metrics(ctx context.Context, _ string, in loop.Input, c loop.Cursor, s span) (arrivals []Arrival, next loop.Cursor, err error) {
	every := in.Every.Std()
	from := s.end.Add(-max(s.back, 2*every)).Truncate(every)
	if s.back == lookBack && c.Through.IsZero() {
		from = s.end.Add(-every) // the first poll ever begins with the newest value, not with the past
	}
	series, err := p.meter.Read(ctx, from, s.end, every, in.Metrics)
	if err != nil {
		return nil, next, err
	}
	next.Last = map[string]time.Time{}
	for i, m := range in.Metrics {
		newest := c.Last[m.Name]
		for _, v := range slices.SortedFunc(slices.Values(series[i]), func(a, b Value) int { return a.At.Compare(b.At) }) {
			if !v.At.After(newest) || v.At.Add(every).After(s.end) {
				continue
			}
			signal, err := measured(in, m, v)
			if err != nil {
				return nil, next, err
			}
			arrivals, newest = append(arrivals, Arrival{Signal: signal}), v.At
		}
		next.Last[m.Name] = newest
	}
	return arrivals, next, nil
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
