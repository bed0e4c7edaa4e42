package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"example.com/unbroken/internal/loop"
)

// maxPages bounds one search. CloudWatch answers with empty pages while it scans, so pages are counted, not lines.
const maxPages = 20

type cloudwatchLogs struct {
	cfg    aws.Config
	prefix string
}

// Search implements logs. A quoted pattern is searched for as it is.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func (l cloudwatchLogs) Search(ctx context.Context, region, function, text string, since time.Time, limit int) ([]logLine, bool, error) {
	in := &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName:  aws.String("/aws/lambda/" + loop.Name(l.prefix, function)),
		FilterPattern: aws.String(strconv.Quote(text)),
		StartTime:     aws.Int64(since.UnixMilli()),
	}
	c := cloudwatchlogs.NewFromConfig(l.region(region))
	var lines []logLine
	for range maxPages {
		page, err := c.FilterLogEvents(ctx, in)
		if err != nil {
			return lines, true, fmt.Errorf("search the log of %s in %s: %w", function, region, err)
		}
		for _, e := range page.Events {
			lines = append(lines, logLine{At: time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), Text: aws.ToString(e.Message)})
		}
		if len(lines) >= limit {
			return lines[:limit], true, nil
		}
		if page.NextToken == nil {
			return lines, false, nil
		}
		in.NextToken = page.NextToken
	}
	return lines, true, nil
}

func (l cloudwatchLogs) region(name string) aws.Config { return in(l.cfg, name) }
