package observe

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"example.com/unbroken/internal/loop"
)

// Metrics are the metrics that AWS itself keeps of a region, in that region.
type Metrics interface {
	// Read answers for every metric asked for, in their order, in one request to the region. What has no data is empty,
	// never zero; half an answer is an error.
	Read(ctx context.Context, region string, from, to time.Time, asked []Metric) ([]Series, error)
}

// Metric is one statistic of one metric, by the minute.
type Metric struct {
	Of   Subject
	Name string
	Stat string // Sum or Maximum
}

// Subject is what a metric is of: a queue or a function, without the prefix.
type Subject struct{ Queue, Function string }

// Series are the values of a metric, newest first: one for each minute that had any.
type Series []float64

const (
	// lookEvery is how often the metrics of a region are read, by one observer at a time: GetMetricData is paid by the
	// metric (https://aws.amazon.com/cloudwatch/pricing/), and what is found here does not vote.
	lookEvery = 5 * time.Minute

	// lookBack is what is read: enough receives of a message that nobody can handle, which comes back every one to two
	// and a half minutes, to be seen among the canaries.
	lookBack = 10 * time.Minute

	// fewest is how much of something is no accident: what came back, or what was throttled.
	fewest = 3
)

// asked are the metrics of one region. Canaries go through both queues every half minute, so that neither these nor
// their functions are ever idle: a queue or a function without any data is one that is not seen.
func asked() (all []Metric) {
	for _, q := range measured() {
		for _, m := range []Metric{
			{Name: "ApproximateAgeOfOldestMessage", Stat: "Maximum"},
			{Name: "ApproximateNumberOfMessagesVisible", Stat: "Maximum"},
			{Name: "NumberOfMessagesReceived", Stat: "Sum"},
			{Name: "NumberOfMessagesDeleted", Stat: "Sum"},
		} {
			m.Of.Queue = q
			all = append(all, m)
		}
	}
	for _, f := range consumers() {
		for _, name := range []string{"Invocations", "Throttles"} {
			all = append(all, Metric{Of: Subject{Function: f}, Name: name, Stat: "Sum"})
		}
	}
	return all
}

// The chain that a canary goes through.
func measured() []string  { return []string{loop.QueueSignals, loop.QueueActions} }
func consumers() []string { return []string{loop.FuncDecide, loop.FuncAct} }

// metrics are the checks of a region's metrics: read now, where it is this observer's turn, and otherwise those that it
// last made, until its next turn is over.
func (o *Observer) metrics(ctx context.Context, name string, last Verdict) []Check {
	var kept []Check
	var at time.Time
	unseen := false
	for _, c := range last.Checks {
		if c.At.IsZero() || o.Now().Sub(c.At) > time.Duration(len(o.All)+1)*lookEvery {
			continue
		}
		kept, at = append(kept, c), c.At
		unseen = unseen || c.State == Unknown
	}
	if unseen || o.due(at) { // what was not seen is looked for again at once
		return o.measure(ctx, name)
	}
	return kept
}

// due says whether it is this observer's turn, and it has not looked in it yet: runs come a little early or late.
func (o *Observer) due(last time.Time) bool {
	slot := o.Now().Truncate(lookEvery)
	turn := slot.Unix() / int64(lookEvery/time.Second)
	return o.All[turn%int64(len(o.All))] == o.Region && last.Before(slot)
}

// measure makes the checks of a region's metrics.
func (o *Observer) measure(ctx context.Context, region string) []Check {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	now := o.Now().UTC()
	to := now.Truncate(time.Minute)
	metrics := asked()
	series, err := o.Metrics.Read(ctx, region, to.Add(-lookBack), to, metrics)
	if err == nil && len(series) != len(metrics) {
		err = fmt.Errorf("%d answers to %d questions", len(series), len(metrics))
	}
	find := func(of Subject, name string) (s Series) {
		if err == nil {
			s = series[slices.IndexFunc(metrics, func(m Metric) bool { return m.Of == of && m.Name == name })]
		}
		return s
	}
	var checks []Check
	for _, q := range measured() {
		of := Subject{Queue: q}
		checks = append(checks, judgeQueue(o.Bounds, q, find(of, "ApproximateAgeOfOldestMessage"), find(of, "ApproximateNumberOfMessagesVisible"),
			find(of, "NumberOfMessagesReceived"), find(of, "NumberOfMessagesDeleted"))...)
	}
	for _, f := range consumers() {
		of := Subject{Function: f}
		checks = append(checks, judgeFunction(o.Bounds, f, find(of, "Invocations"), find(of, "Throttles")))
	}
	for i := range checks {
		checks[i].At = now
		if err != nil {
			checks[i].Detail = err.Error()
		}
	}
	return checks
}

// judgeQueue looks at how old the oldest message is, whether there are ever more, and how much of what is received
// comes back instead of being deleted.
//
// The last one is where poison shows. A message that has been received three times and not deleted is not looked at
// for the age any more, so that the age of a queue that holds nothing else stays that of younger messages; but each of
// its receives is one without a delete, until it is a dead letter. Where it is less than ErrorRatio it is found as that only:
// the difference of two sums holds what is in flight at either end, too, which is more than a few messages on a busy queue.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
func judgeQueue(b loop.Bounds, queue string, age, visible, received, deleted Series) []Check {
	old, growing, failing := Check{Name: queue + "-age"}, Check{Name: queue + "-growth"}, Check{Name: queue + "-failing"}
	if len(age)+len(visible)+len(received)+len(deleted) == 0 {
		for _, c := range []*Check{&old, &growing, &failing} {
			c.State, c.Detail = Unknown, "no data of a queue that canaries go through"
		}
		return []Check{old, growing, failing}
	}
	var oldest time.Duration // none is reported while no message waits
	if len(age) > 0 {
		oldest = time.Duration(age[0] * float64(time.Second))
	}
	old.say(oldest > b.QueueAge.Std(), oldest.String(), "the oldest message is older than "+b.QueueAge.String())
	more := growth(visible)
	growing.say(more > float64(b.QueueGrowth), whole(more), "more messages than that wait than ten minutes ago")
	in, back := sum(received), max(sum(received)-sum(deleted), 0)
	failing.say(back >= fewest && back/in > b.ErrorRatio, whole(back)+" of "+whole(in),
		"messages are received and not deleted: look at the log of what reads the queue")
	return []Check{old, growing, failing}
}

// judgeFunction looks at how often Lambda refused to run it.
func judgeFunction(b loop.Bounds, function string, invocations, throttles Series) Check {
	c := Check{Name: function + "-throttles"}
	ran, refused := sum(invocations), sum(throttles)
	if ran+refused == 0 {
		c.State, c.Detail = Unknown, "no data of a function that canaries go through"
		return c
	}
	c.say(refused >= fewest && refused/(ran+refused) > b.ThrottleRatio, whole(refused)+" of "+whole(ran+refused),
		"Lambda refuses invocations: raise the account's or the function's concurrency")
	return c
}

func (c *Check) say(bad bool, value, detail string) {
	c.State, c.Value = OK, value
	if bad {
		c.State, c.Detail = Bad, detail
	}
}

// growth is by how much the newest three values are all greater than the oldest three: a burst in between is none.
func growth(s Series) float64 {
	if len(s) < 6 {
		return 0
	}
	return max(slices.Min(s[:3])-slices.Max(s[len(s)-3:]), 0)
}

func sum(s Series) (total float64) {
	for _, v := range s {
		total += v
	}
	return total
}

func whole(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
