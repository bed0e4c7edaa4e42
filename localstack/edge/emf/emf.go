// Package emf turns the embedded-metric-format lines that functions log into metrics, which the emulator does not. It
// reads the functions' logs in the emulator's CloudWatch Logs and puts what it finds.
//
// It must not know unbroken: the groups are all those of Lambda functions, the metrics what the lines say.
package emf

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// Logs is the part of CloudWatch Logs that is used; *cloudwatchlogs.Client implements it.
type Logs interface {
	DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error)
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
}

// Metrics is the part of CloudWatch that is used; *cloudwatch.Client implements it.
type Metrics interface {
	PutMetricData(context.Context, *cloudwatch.PutMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error)
}

var (
	_ Logs    = (*cloudwatchlogs.Client)(nil)
	_ Metrics = (*cloudwatch.Client)(nil)
)

// Every is how often the logs are read. AWS extracts metrics as lines are ingested.
const Every = 5 * time.Second

// late is how far behind the newest event of a group another one may still appear: the emulator writes the lines of
// an invocation, all with the time of its end, in one go.
const late = 10 * time.Second

// groups is where Lambda logs to.
const groups = "/aws/lambda/"

// Extractor remembers how far it has read the logs of one region. It is not safe for concurrent use.
type Extractor struct {
	logs    Logs
	metrics Metrics
	read    map[string]*position // by group
}

// position is how far a group has been read: all before from, and of what follows the events seen.
type position struct {
	from int64
	seen map[string]int64 // event id → its time
}

// New returns an extractor that starts with the oldest line.
func New(logs Logs, metrics Metrics) *Extractor {
	return &Extractor{logs: logs, metrics: metrics, read: map[string]*position{}}
}

// Extract puts the metrics of the lines that are new. What fails is tried again by the next call; a line that breaks
// the format is reported and passed over.
func (e *Extractor) Extract(ctx context.Context) error {
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(e.logs, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String(groups)})
	var errs []error
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("emf: %w", err)
		}
		for _, g := range page.LogGroups {
			errs = append(errs, e.group(ctx, aws.ToString(g.LogGroupName)))
		}
	}
	return errors.Join(errs...)
}

func (e *Extractor) group(ctx context.Context, name string) error {
	at := e.read[name]
	if at == nil {
		at = &position{seen: map[string]int64{}}
		e.read[name] = at
	}
	var errs []error
	newest := at.from
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(e.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String(name), StartTime: aws.Int64(at.from), FilterPattern: aws.String(`"_aws"`),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("emf: %s: %w", name, err))...)
		}
		for _, event := range page.Events {
			id := identity(event)
			if _, old := at.seen[id]; old {
				continue
			}
			puts, err := Parse(aws.ToString(event.Message))
			errs = append(errs, err)
			if err := e.put(ctx, puts); err != nil {
				return errors.Join(append(errs, err)...)
			}
			at.seen[id] = aws.ToInt64(event.Timestamp)
			newest = max(newest, aws.ToInt64(event.Timestamp))
		}
	}
	at.advance(newest - late.Milliseconds())
	return errors.Join(errs...)
}

func (p *position) advance(to int64) {
	p.from = max(p.from, to)
	for id, at := range p.seen {
		if at < p.from {
			delete(p.seen, id)
		}
	}
}

// identity tells events apart; the emulator gives them no ids of their own. A stream is one invocation's there, and
// no line of one is twice in it: its metrics carry the time.
func identity(e types.FilteredLogEvent) string {
	if e.EventId != nil {
		return *e.EventId
	}
	return aws.ToString(e.LogStreamName) + " " + aws.ToString(e.Message)
}

func (e *Extractor) put(ctx context.Context, puts []Put) error {
	for _, p := range puts {
		if len(p.Data) == 0 {
			continue
		}
		// A line holds 100 metrics at most and PutMetricData takes 1000 with their dimension sets.
		if _, err := e.metrics.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String(p.Namespace), MetricData: p.Data}); err != nil {
			return fmt.Errorf("emf: %w", err)
		}
	}
	return nil
}
