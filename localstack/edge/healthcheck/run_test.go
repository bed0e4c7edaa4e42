package healthcheck

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// shelf is a Route 53 of these checks, and a CloudWatch of one alarm.
type shelf struct {
	checks map[string]*types.HealthCheckConfig
	state  cw.StateValue
	down   bool
}

func (s *shelf) ListHealthChecks(context.Context, *route53.ListHealthChecksInput, ...func(*route53.Options)) (*route53.ListHealthChecksOutput, error) {
	out := &route53.ListHealthChecksOutput{}
	for id, cfg := range s.checks {
		out.HealthChecks = append(out.HealthChecks, types.HealthCheck{Id: aws.String(id), HealthCheckConfig: cfg})
	}
	return out, nil
}

func (s *shelf) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	if s.down {
		return nil, errors.New("down")
	}
	return &cloudwatch.DescribeAlarmsOutput{MetricAlarms: []cw.MetricAlarm{{AlarmName: aws.String(in.AlarmNames[0]), StateValue: s.state}}}, nil
}

// endpoint answers with a status on loopback; its name is resolved as the zone would.
func endpoint(t *testing.T, status *atomic.Int64) (host string, port int32, lookup func(string) (string, bool)) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/health" || r.Host == "" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(u.Port(), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return "east.loop.test", int32(n), func(host string) (string, bool) {
		return u.Hostname(), host == "east.loop.test"
	}
}

// By the clock of AWS: three bad answers, ten seconds apart, and three good ones.
func TestAnEndpointThatFailsIsUnhealthyWithinThirtySeconds(t *testing.T) {
	t.Parallel()
	var status atomic.Int64
	host, port, lookup := endpoint(t, &status)
	s := &shelf{checks: map[string]*types.HealthCheckConfig{"e": {
		Type: types.HealthCheckTypeHttp, FullyQualifiedDomainName: aws.String(host), Port: aws.Int32(port), ResourcePath: aws.String("/v1/health"),
		RequestInterval: aws.Int32(10), FailureThreshold: aws.Int32(3),
	}}}
	e := &Evaluator{Board: NewBoard(), Checks: s, Lookup: lookup, Scale: 1}
	now := noon
	until := func(want bool) (seconds int) {
		for e.Board.Healthy("e") != want && seconds < 100 {
			now = now.Add(Every)
			if err := e.Round(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			seconds++
		}
		return seconds
	}
	status.Store(http.StatusOK)
	if err := e.Round(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []int64{http.StatusServiceUnavailable, http.StatusNotFound} {
		status.Store(bad)
		if got := until(false); got != 30 {
			t.Errorf("%d: unhealthy after %d s", bad, got)
		}
		status.Store(http.StatusFound) // a redirect is an answer
		if got := until(true); got != 30 {
			t.Errorf("healthy after %d s", got)
		}
	}
}

func TestAnEndpointWithoutAnAddressOrAnAnswerFails(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	// The near end of a connection has a port at which nobody listens, nor can meanwhile.
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	closed := c.LocalAddr().(*net.TCPAddr).Port
	for name, lookup := range map[string]func(string) (string, bool){
		"no address": func(string) (string, bool) { return "", false },
		"no answer":  func(string) (string, bool) { return "127.0.0.1", true },
	} {
		e := &Evaluator{Lookup: lookup}
		if e.ask(t.Context(), Check{URL: "http://east.loop.test:" + strconv.Itoa(closed) + "/"}) {
			t.Errorf("%s: healthy", name)
		}
	}
}

// A region that does not answer has no data about its alarms, which by configuration is no objection.
func TestAnAlarmIsReadInItsRegion(t *testing.T) {
	t.Parallel()
	s := &shelf{state: cw.StateValueAlarm, checks: map[string]*types.HealthCheckConfig{"o": {
		Type:                         types.HealthCheckTypeCloudwatchMetric,
		AlarmIdentifier:              &types.AlarmIdentifier{Name: aws.String("objects"), Region: "us-west-2"},
		InsufficientDataHealthStatus: types.InsufficientDataHealthStatusHealthy,
	}, "tcp": {Type: types.HealthCheckTypeTcp}}}
	e := &Evaluator{Board: NewBoard(), Checks: s, Scale: 1, Alarms: func(region string) Alarms {
		if region != "us-west-2" {
			t.Errorf("asked in %s", region)
		}
		return s
	}}
	for _, step := range []struct {
		state   cw.StateValue
		down    bool
		healthy bool
	}{
		{cw.StateValueAlarm, false, false},
		{cw.StateValueAlarm, true, true},
		{cw.StateValueOk, false, true},
		{cw.StateValueAlarm, false, false},
		{cw.StateValueInsufficientData, false, true},
	} {
		s.state, s.down = step.state, step.down
		if err := e.Round(t.Context(), noon); err != nil {
			t.Fatal(err)
		}
		if got := e.Board.Healthy("o"); got != step.healthy {
			t.Errorf("%+v: healthy %v", step, got)
		}
		if !e.Board.Healthy("tcp") {
			t.Error("what nothing here looks at is unhealthy")
		}
	}
}
