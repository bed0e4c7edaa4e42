package healthcheck

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// Alarms is the part of CloudWatch that is used; *cloudwatch.Client implements it.
type Alarms interface {
	DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
}

var _ Alarms = (*cloudwatch.Client)(nil)

// Every is how often the board is brought up to date: often enough for an interval of 10 s to be one.
const Every = time.Second

// An answer has to come within these times.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
const (
	connectWithin = 4 * time.Second
	answerWithin  = 2 * time.Second
)

// Evaluator keeps a board up to date. Its rounds must not overlap.
type Evaluator struct {
	Board  *Board
	Checks route53.ListHealthChecksAPIClient
	Alarms func(region string) Alarms
	Lookup func(host string) (addr string, ok bool) // an endpoint's address
	Scale  float64                                  // how many times faster than AWS
}

// Round reads the checks, looks at their alarms and asks the endpoints that are due.
func (e *Evaluator) Round(ctx context.Context, now time.Time) error {
	checks, err := e.read(ctx)
	if err != nil {
		return fmt.Errorf("health checks: %w", err)
	}
	e.Board.Set(checks)
	var g sync.WaitGroup
	for _, c := range e.Board.Due(now, e.Scale) {
		g.Go(func() { e.Board.Answered(c.ID, e.ask(ctx, c)) })
	}
	byRegion := map[string][]Check{}
	for _, c := range e.Board.Alarms() {
		byRegion[c.AlarmRegion] = append(byRegion[c.AlarmRegion], c)
	}
	for region, checks := range byRegion {
		g.Go(func() { e.report(ctx, region, checks) })
	}
	g.Wait()
	return nil
}

func (e *Evaluator) read(ctx context.Context) ([]Check, error) {
	var checks []Check
	pages := route53.NewListHealthChecksPaginator(e.Checks, &route53.ListHealthChecksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, h := range page.HealthChecks {
			if c, ok := Of(aws.ToString(h.Id), h.HealthCheckConfig); ok {
				checks = append(checks, c)
			}
		}
	}
	return checks, nil
}

// Of reads a check's configuration, with AWS's defaults; not ok is one that nothing here can look at.
func Of(id string, cfg *types.HealthCheckConfig) (c Check, ok bool) {
	c = Check{
		ID: id, Inverted: aws.ToBool(cfg.Inverted), Disabled: aws.ToBool(cfg.Disabled),
		Interval: 30 * time.Second, Threshold: 3, Children: cfg.ChildHealthChecks, AtLeast: int(aws.ToInt32(cfg.HealthThreshold)),
	}
	if cfg.RequestInterval != nil {
		c.Interval = time.Duration(*cfg.RequestInterval) * time.Second
	}
	if cfg.FailureThreshold != nil {
		c.Threshold = int(*cfg.FailureThreshold)
	}
	switch cfg.Type {
	case types.HealthCheckTypeHttp, types.HealthCheckTypeHttps:
		scheme, port := "http", 80
		if cfg.Type == types.HealthCheckTypeHttps {
			scheme, port = "https", 443
		}
		if cfg.Port != nil {
			port = int(*cfg.Port)
		}
		host := aws.ToString(cfg.FullyQualifiedDomainName)
		c.URL = scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port)) + aws.ToString(cfg.ResourcePath)
	case types.HealthCheckTypeCloudwatchMetric:
		c.Kind = Alarm
		if cfg.AlarmIdentifier != nil {
			c.AlarmName, c.AlarmRegion = aws.ToString(cfg.AlarmIdentifier.Name), string(cfg.AlarmIdentifier.Region)
		}
		switch cfg.InsufficientDataHealthStatus {
		case types.InsufficientDataHealthStatusHealthy:
			c.Insufficient = Healthy
		case types.InsufficientDataHealthStatusUnhealthy:
			c.Insufficient = Unhealthy
		case types.InsufficientDataHealthStatusLastKnownStatus:
		}
	case types.HealthCheckTypeCalculated:
		c.Kind = Calculated
	default:
		return c, false
	}
	return c, true
}

// report notes the states of a region's alarms. A region that does not answer has no data.
func (e *Evaluator) report(ctx context.Context, region string, checks []Check) {
	in := &cloudwatch.DescribeAlarmsInput{AlarmTypes: []cw.AlarmType{cw.AlarmTypeMetricAlarm, cw.AlarmTypeCompositeAlarm}}
	for _, c := range checks {
		in.AlarmNames = append(in.AlarmNames, c.AlarmName)
	}
	states := map[string]string{}
	if out, err := e.Alarms(region).DescribeAlarms(ctx, in); err == nil {
		for _, a := range out.MetricAlarms {
			states[aws.ToString(a.AlarmName)] = string(a.StateValue)
		}
		for _, a := range out.CompositeAlarms {
			states[aws.ToString(a.AlarmName)] = string(a.StateValue)
		}
	}
	for _, c := range checks {
		e.Board.Reported(c.ID, states[c.AlarmName])
	}
}

// ask makes one request, on a connection of its own as Route 53 does. Certificates are not looked at, and a redirect
// is an answer.
func (e *Evaluator) ask(ctx context.Context, c Check) bool {
	ctx, cancel := context.WithTimeout(ctx, connectWithin+answerWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return false
	}
	addr, ok := e.Lookup(req.URL.Hostname())
	if !ok {
		return false
	}
	client := http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true, ResponseHeaderTimeout: answerWithin, TLSHandshakeTimeout: connectWithin,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // as Route 53
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{Timeout: connectWithin}).DialContext(ctx, network, net.JoinHostPort(addr, req.URL.Port()))
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode >= 200 && res.StatusCode < 400
}
