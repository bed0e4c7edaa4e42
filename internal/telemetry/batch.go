package telemetry

import (
	"context"
	"slices"
	"sync"
	"time"
)

// metric is one of the names that dashboards and alarms know. Their order is that of the line.
type metric int

const (
	accepted metric = iota
	rejected
	singleCopy
	unarchived
	archived
	decided
	unmatched
	late
	windowOverflow
	quarantined
	delivered
	parked
	suppressed
	bySilence
	byThrottle
	byBudget
	byKill
	inShadow
	byInhibition
	rulesStopped
	sentUnclaimed
	expired
	superseded
	retries
	errorLines
	swept
	overdue
	stalled
	switched
	linkLatency
	endToEndLatency
	canaryLatency
	metrics // their number
)

// names are CloudWatch's; see infra.
func (m metric) String() string {
	return [metrics]string{
		"Accepted", "Rejected", "SingleCopy", "Unarchived", "Archived", "Decided", "Unmatched", "Late", "WindowOverflow", "Quarantined", "Delivered", "Parked",
		"Suppressed", "SuppressedBySilence", "SuppressedByThrottle", "SuppressedByBudget", "SuppressedByKillSwitch", "SuppressedInShadow", "SuppressedByInhibition", "RulesStopped", "SentUnclaimed", "Expired", "Superseded", "Retries", "Errors", "Swept", "Overdue", "StalledInputs", "InputSwitches", "LinkLatency", "EndToEndLatency", "CanaryLatency",
	}[m]
}

// latency says whether m has values in milliseconds; the others are counts.
func (m metric) latency() bool { return m >= linkLatency }

// batch collects the metrics of one invocation. A nil batch takes everything and keeps nothing, for callers outside
// of an invocation.
type batch struct {
	mu     sync.Mutex
	counts map[metric]int
	values map[metric]*sample

	canaries int  // that were decided
	others   bool // something was decided that is no canary, whether or not it is counted
}

type batchKey struct{}

func batchOf(ctx context.Context) *batch {
	b, _ := ctx.Value(batchKey{}).(*batch)
	return b
}

func (b *batch) count(m metric, n int) {
	if b == nil || n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[m] += n
}

// decided notes signals that came through, after the canaries among them were.
func (b *batch) decided(canaries, signals int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.canaries += canaries
	b.others = b.others || signals > b.canaries
}

func (b *batch) observe(m metric, d time.Duration) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.values[m]
	if s == nil {
		s = &sample{every: 1}
		b.values[m] = s
	}
	s.add(max(d, 0).Milliseconds()) // clocks of two machines may differ by more than a fast link takes
}

// maxValues is how many values one metric may have in one line; CloudWatch ignores a metric with more.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
const maxValues = 100

// sample keeps at most maxValues of any number of values: every one, then every second, every fourth and so on,
// evenly over the batch, and always the greatest, which is the one people look for.
type sample struct {
	seen, every int
	kept        []int64
	most        int64
}

func (s *sample) add(v int64) {
	s.most = max(s.most, v)
	if s.seen%s.every == 0 {
		if len(s.kept) == maxValues {
			for i := range maxValues / 2 {
				s.kept[i] = s.kept[2*i]
			}
			s.kept = s.kept[:maxValues/2]
			s.every *= 2
		}
		s.kept = append(s.kept, v)
	}
	s.seen++
}

// values returns what is kept, the greatest among it.
func (s *sample) values() []int64 {
	if !slices.Contains(s.kept, s.most) {
		s.kept[len(s.kept)-1] = s.most
	}
	return s.kept
}
