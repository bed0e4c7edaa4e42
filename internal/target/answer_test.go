package target

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/looptest"
)

func TestErrorsAreReadExactly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		err      error
		want     act.Verdict
		evidence string
	}{
		{"validation", answered(400, "ValidationException"), act.Refused, "answered 400 ValidationException"},
		{"denied", answered(403, "AccessDenied"), act.Refused, "act's role"},
		{"missing", answered(404, "NoSuchBucket"), act.Refused, "create the resource"},
		{"throttled by code", answered(400, "Throttling"), act.Unsent, "Throttling"},
		{"throttled by KMS", answered(400, "KMSThrottling"), act.Unsent, "KMSThrottling"},
		{"throttled with 503", answered(503, "SlowDown"), act.Unsent, "503 SlowDown"},
		{"throttled by status", answered(429, "X"), act.Unsent, "429"},
		{"credentials ran out", answered(403, "ExpiredTokenException"), act.Unsent, "Expired"},
		{"clock", answered(403, "RequestTimeTooSkewed"), act.Unsent, "Skewed"},
		{"updates at once", answered(400, "TooManyUpdates"), act.Unsent, "TooManyUpdates"},
		{"refused without a reason", answeredAs(400, errors.New("cut off")), act.Unsent, "without a reason"},
		{"server", answered(500, "InternalFailure"), act.Retry, "500"},
		{"unavailable", answered(503, "ServiceUnavailable"), act.Retry, "503"},
		{"request timeout", answered(400, "RequestTimeout"), act.Retry, "RequestTimeout"},
		{"unreadable success", answeredAs(200, errors.New("hush-hush")), act.Retry, "200"},
		{"server fault without a status", &smithy.GenericAPIError{Code: "InternalFailure", Fault: smithy.FaultServer}, act.Retry, "InternalFailure"},
		{"refused connection", &net.OpError{Op: "dial", Err: errors.New("refused")}, act.Unsent, "nothing was sent"},
		{"unknown name", &net.OpError{Op: "dial", Err: &net.DNSError{}}, act.Unsent, "looked up"},
		{"certificate", &tls.CertificateVerificationError{Err: errors.New("x")}, act.Unsent, "certificate"},
		{"no credentials", &v4.SigningError{Err: errors.New("hush-hush")}, act.Unsent, "signed"},
		{"no credentials to be had", &smithy.OperationError{Err: fmt.Errorf("get identity: %w", answered(403, ""))}, act.Unsent, "no credentials"},
		{"cannot be built", &smithy.InvalidParamsError{}, act.Refused, "cannot be built"},
		{"reset", &net.OpError{Op: "read", Err: errors.New("reset")}, act.Retry, "no answer"},
		{"time ran out", context.DeadlineExceeded, act.Retry, "time ran out"},
		{"called off", context.Canceled, act.Retry, "called off"},
	} {
		a := (&call{}).answer(c.err)
		if a.Verdict != c.want || !strings.Contains(a.Evidence, c.evidence) || strings.Contains(a.Evidence, "hush") {
			t.Errorf("%s: got %d %q, want %d %q", c.name, a.Verdict, a.Evidence, c.want, c.evidence)
		}
	}
}

func TestReadThatFailsAppliedNothing(t *testing.T) {
	t.Parallel()
	if a := (&call{}).before(answered(500, "InternalFailure")); a.Verdict != act.Unsent {
		t.Errorf("got %d", a.Verdict)
	}
	if a := (&call{}).before(answered(403, "AccessDenied")); a.Verdict != act.Refused {
		t.Errorf("got %d", a.Verdict)
	}
}

// An endpoint that swallows packets never gives a connection: then it is certain that nothing was applied.
func TestConnectionNeverMadeIsUnsent(t *testing.T) {
	t.Parallel()
	for _, name := range names() {
		ctx, cancel := context.WithCancel(t.Context())
		target := All(config(&http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			cancel() // the caller's time runs out while the connection is being made
			<-ctx.Done()
			return nil, ctx.Err()
		}}))[name]
		if a := target.Deliver(ctx, example(name)); a.Verdict != act.Unsent {
			t.Errorf("%s: verdict %d (%s)", name, a.Verdict, a.Evidence)
		}
	}
}

func names() (all []string) {
	for name := range All(config(nil)) {
		all = append(all, name)
	}
	return all
}

func config(rt http.RoundTripper) aws.Config {
	return aws.Config{
		Region: looptest.HereRegion, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		HTTPClient: &http.Client{Transport: rt}, RetryMaxAttempts: 5,
	}
}

// example is an effect for each target.
func example(name string) loop.Effect {
	urls := map[string]string{
		loop.TargetSNS: topicARN, loop.TargetSQS: queueARN, loop.TargetEventBridge: busARN, loop.TargetLambda: fnARN,
		loop.TargetStepFunctions: smARN, loop.TargetSSM: "ssm:/a", loop.TargetDynamoDB: "dynamodb://flags/a",
		loop.TargetS3: "s3://bucket/a", loop.TargetAppConfig: "appconfig://abc1234/def5678",
		loop.TargetAlarm: "alarm://errors", loop.TargetMetric: "metric://Shop",
	}
	body := map[string]string{loop.TargetMetric: "1"}[name]
	if body == "" {
		body = "{}"
	}
	return loop.Effect{ID: loop.EffectID("d", "s"), Fence: "1", Class: loop.ClassOnce, Request: &loop.Request{
		URL: urls[name], Body: body,
		Headers: map[string]string{"key_name": "pk", "metric": "m", "state": "OK", "content_type": "text/plain"},
	}}
}

type counter struct {
	calls  int
	status int
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.calls++
	return empty(r, c.status), nil
}

// A retry inside the SDK would double an effect of class `once` after a lost answer.
func TestSDKNeverSendsAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, 503, 429} {
		wire := &counter{status: status}
		for name, target := range All(config(wire)) {
			wire.calls = 0
			a := target.Deliver(t.Context(), example(name))
			if wire.calls != 1 || a.Verdict != act.Retry && a.Verdict != act.Unsent {
				t.Errorf("%s: %d calls on %d, verdict %d (%s)", name, wire.calls, status, a.Verdict, a.Evidence)
			}
		}
	}
}

func TestClientIsThatOfTheResourcesRegion(t *testing.T) {
	t.Parallel()
	made := 0
	clients := regional(aws.Config{Region: "here"}, func(c aws.Config) *string {
		made++
		return &c.Region
	})
	for region, want := range map[string]string{"": "here", loop.OwnRegion: "here", "here": "here", "there": "there"} {
		if got := *clients(region); got != want {
			t.Errorf("%q: %s", region, got)
		}
	}
	if made != 2 {
		t.Errorf("made %d clients", made)
	}
}

type entryFails struct{ code string }

func (f entryFails) PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	out := &eventbridge.PutEventsOutput{FailedEntryCount: 1}
	if f.code != "" {
		out.Entries = []ebtypes.PutEventsResultEntry{{ErrorCode: &f.code}}
	}
	return out, nil
}

func TestFailedEntryIsNoSuccess(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]act.Verdict{
		"ThrottlingException": act.Unsent, "InternalFailure": act.Retry, "MalformedDetail": act.Refused, "": act.Retry,
	} {
		if a := EventBridge(only[EventBridgeAPI](entryFails{code})).Deliver(t.Context(), example(loop.TargetEventBridge)); a.Verdict != want {
			t.Errorf("%q: verdict %d, want %d", code, a.Verdict, want)
		}
	}
}

func TestMalformedResourceIsRefused(t *testing.T) {
	t.Parallel()
	for name, target := range All(config(&counter{})) {
		e := example(name)
		e.Request.URL = "nonsense"
		if a := target.Deliver(t.Context(), e); a.Verdict != act.Refused {
			t.Errorf("%s: verdict %d (%s)", name, a.Verdict, a.Evidence)
		}
	}
}
