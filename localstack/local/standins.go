package local

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"example.com/unbroken/localstack/edge"
	"example.com/unbroken/localstack/edge/alarm"
	"example.com/unbroken/localstack/edge/emf"
	"example.com/unbroken/localstack/edge/sqsmetrics"
)

// StandIn is the Caller of what stands in for parts of AWS, so that the edge's call log tells its calls from others'.
const StandIn = "stand-in"

// standIns does by the clock what the emulator leaves out. All of it comes in through the edge, as the parts of AWS it
// stands for live in their regions: in a region that is cut nothing is measured and nobody evaluates an alarm.
type standIns struct {
	site  *Site
	scale float64 // how many times faster than AWS
	log   *slog.Logger
}

// start runs the stand-ins of the regions until ctx ends.
func (s standIns) start(ctx context.Context, w *World, regions []string) {
	for _, region := range regions {
		metrics := cloudwatch.NewFromConfig(s.config(region, "alarm"))
		w.servers.Go(func() {
			s.every(ctx, "alarms of "+region, alarm.Every, func(ctx context.Context) error {
				return alarm.EvaluateAll(ctx, metrics, time.Now())
			})
		})
		extractor := emf.New(cloudwatchlogs.NewFromConfig(s.config(region, "emf")), cloudwatch.NewFromConfig(s.config(region, "emf")))
		w.servers.Go(func() { s.every(ctx, "metrics in logs of "+region, emf.Every, extractor.Extract) })
		meter := sqsmetrics.New(region, s.site.EmulatorURL, cloudwatch.NewFromConfig(s.config(region, "sqsmetrics")))
		w.servers.Go(func() {
			s.every(ctx, "queue metrics of "+region, sqsmetrics.Every, func(ctx context.Context) error {
				return meter.Put(ctx, time.Now())
			})
		})
	}
}

func (s standIns) config(region, name string) aws.Config {
	cfg := config(s.site.EdgeURL, region)
	cfg.RetryMaxAttempts = 1 // the next round is the retry
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test", SessionToken: edge.Token(StandIn, name)}, nil
	})
	return cfg
}

// every does something at once and then so often, faster by the scale. Of failures in a row only the first is logged:
// a region that is cut fails every time.
func (s standIns) every(ctx context.Context, what string, pause time.Duration, do func(context.Context) error) {
	pause = time.Duration(float64(pause) / s.scale)
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	failed := false
	for {
		limited, cancel := context.WithTimeout(ctx, max(pause, 10*time.Second))
		err := do(limited)
		cancel()
		if err != nil && !failed && ctx.Err() == nil {
			s.log.WarnContext(ctx, "stand-in", slog.String("for", what), slog.Any("err", err))
		}
		failed = err != nil
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
