package local

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"example.com/unbroken/localstack/edge"
	"example.com/unbroken/localstack/edge/alarm"
	"example.com/unbroken/localstack/edge/dns"
	"example.com/unbroken/localstack/edge/emf"
	"example.com/unbroken/localstack/edge/healthcheck"
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

// standIn starts what stands in for parts of AWS; it goes on until ctx ends.
func (w *World) standIn(ctx context.Context, o Options) error {
	packets, listener, err := dns.Listen(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(o.DNSPort)))
	if err != nil {
		return fmt.Errorf("%w: does another world run? Stop it first, or give another port", err)
	}
	w.DNS = listener.Addr().String()
	s := standIns{site: &w.Site, scale: o.Scale, log: logger(o.Log)}
	s.names(ctx, w, o.Regions, packets, listener)
	if w.emulator != nil && !o.NoMetrics { // another emulator has its own metrics and alarms
		s.watch(ctx, w, o.Regions)
	}
	return nil
}

// watch measures and evaluates what is in the regions.
func (s standIns) watch(ctx context.Context, w *World, regions []string) {
	for _, region := range regions {
		metrics := cloudwatch.NewFromConfig(s.config(region, "alarm"))
		w.servers.Go(func() {
			s.every(ctx, "alarms of "+region, alarm.Every, func(ctx context.Context) error {
				return alarm.EvaluateAll(ctx, metrics, time.Now())
			})
		})
		extractor := emf.New(cloudwatchlogs.NewFromConfig(s.config(region, "emf")), cloudwatch.NewFromConfig(s.config(region, "emf")))
		// Lines have no clock on AWS, and a read of every log is dear: no scale.
		w.servers.Go(func() { s.repeat(ctx, "metrics in logs of "+region, emf.Every, extractor.Extract) })
		meter := sqsmetrics.New(region, s.site.EmulatorURL, cloudwatch.NewFromConfig(s.config(region, "sqsmetrics")))
		w.servers.Go(func() {
			s.every(ctx, "queue metrics of "+region, sqsmetrics.Every, func(ctx context.Context) error {
				return meter.Put(ctx, time.Now())
			})
		})
	}
}

// globalRegion signs calls of services that have no region.
const globalRegion = "us-east-1"

// names answers DNS for the hosted zones and evaluates their health checks. The zones and checks are read around the
// edge: Route 53 answers and checks go on when its control plane, which the edge may refuse, is down. Alarms are read
// through it, as a region that is cut shows none.
func (s standIns) names(ctx context.Context, w *World, regions []string, packets net.PacketConn, listener net.Listener) {
	api := route53.NewFromConfig(s.site.direct(globalRegion))
	zones, board := &dns.Zones{}, healthcheck.NewBoard()
	server := &dns.Server{Zones: zones, Policy: dns.Policy{Healthy: board.Healthy, Near: regions, Draw: rand.Int64N}}
	evaluator := &healthcheck.Evaluator{
		Board: board, Checks: api, Lookup: server.Lookup, Scale: s.scale,
		Alarms: func(region string) healthcheck.Alarms {
			return cloudwatch.NewFromConfig(s.config(region, "healthcheck"))
		},
	}
	w.servers.Go(func() { w.report(server.Serve(ctx, packets, listener)) })
	w.servers.Go(func() {
		s.every(ctx, "hosted zones", dns.Every, func(ctx context.Context) error { return zones.Read(ctx, api) })
	})
	w.servers.Go(func() {
		s.every(ctx, "health checks", healthcheck.Every, func(ctx context.Context) error { return evaluator.Round(ctx, time.Now()) })
	})
}

func (s standIns) config(region, name string) aws.Config {
	cfg := config(s.site.EdgeURL, region)
	cfg.RetryMaxAttempts = 1 // the next round is the retry
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test", SessionToken: edge.Token(StandIn, name)}, nil
	})
	return cfg
}

// shortest is how often something is done at most, however fast: the emulator has other things to do.
const shortest = 100 * time.Millisecond

// every repeats something faster by the scale.
func (s standIns) every(ctx context.Context, what string, pause time.Duration, do func(context.Context) error) {
	s.repeat(ctx, what, max(time.Duration(float64(pause)/s.scale), shortest), do)
}

// repeat does something at once and then so often. Of failures in a row only the first is logged: a region that is cut
// fails every time.
func (s standIns) repeat(ctx context.Context, what string, pause time.Duration, do func(context.Context) error) {
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
