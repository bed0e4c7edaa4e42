package telemetry

import (
	"context"
	"encoding/json"
	"log/slog"
)

// namespace and dimension agree with infra's alarms and dashboard.
const (
	namespace = "Unbroken"
	dimension = "Function"
)

// The head of a line in the embedded metric format: CloudWatch reads from it which members of the line are metrics.
// The format allows 100 metrics of 100 values and one megabyte (once 256 KiB); all our metrics at their fullest
// take about 3 KiB.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type (
	head struct {
		Timestamp         int64       `json:"Timestamp"`
		CloudWatchMetrics []directive `json:"CloudWatchMetrics"`
	}
	directive struct {
		Namespace  string       `json:"Namespace"`
		Dimensions [][]string   `json:"Dimensions"`
		Metrics    []definition `json:"Metrics"`
	}
	definition struct {
		Name string `json:"Name"`
		Unit string `json:"Unit"`
	}
)

// write writes the batch as one line, and none if nothing happened. A count of zero is left out: every metric of
// every function costs by the month, and alarms take a missing one for zero. For the same reason links are timed where
// signals went over them, and canaries over the whole chain only.
func (t *Telemetry) write(ctx context.Context, b *batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.counts) == 0 && !b.others {
		delete(b.values, linkLatency)
	}
	var defs []definition
	root := map[string]any{dimension: t.cfg.Function, "region": t.cfg.Region}
	for m := range metrics {
		if s := b.values[m]; m.latency() && s != nil {
			defs = append(defs, definition{Name: m.String(), Unit: "Milliseconds"})
			root[m.String()] = s.values()
		}
		if n := b.counts[m]; n > 0 {
			defs = append(defs, definition{Name: m.String(), Unit: "Count"})
			root[m.String()] = n
		}
	}
	if len(defs) == 0 {
		return
	}
	if id := requestID(ctx); id != "" {
		root["requestID"] = id
	}
	root["_aws"] = head{
		Timestamp:         t.cfg.Now().UnixMilli(),
		CloudWatchMetrics: []directive{{Namespace: namespace, Dimensions: [][]string{{dimension}}, Metrics: defs}},
	}
	line, err := json.Marshal(root) // members are sorted, so that equal batches give equal lines
	if err != nil {
		t.log.LogAttrs(ctx, slog.LevelError, "metrics lost", slog.String("cause", err.Error()))
		return
	}
	if _, err := t.out.Write(append(line, '\n')); err != nil {
		return // standard output is gone: nowhere is left to say so
	}
}
