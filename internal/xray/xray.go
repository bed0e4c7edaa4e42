// Package xray puts our stages into the traces of AWS X-Ray. It is the only one that knows the SDK, which is in
// maintenance until 2027-02, so that it can be replaced here alone.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-daemon-eos.html
//
// Lambda decides what is sampled and says so in the trace header that it puts into the context. Without that header,
// or without its Sampled=1, everything here does nothing; a daemon is never waited for.
package xray

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	sdk "github.com/aws/aws-xray-sdk-go/xray"
	"github.com/aws/aws-xray-sdk-go/xraylog"

	"example.com/unbroken/internal/loop"
)

// contextKey is where aws-lambda-go keeps the trace header of the invocation. It is a plain string there.
const contextKey = "x-amzn-trace-id"

// Quiet silences the SDK, which would print to standard output, between our JSON lines, where it finds its daemon
// and that it cannot reach it. The logger is a global of the SDK that it does not guard: it is set once, however many
// functions one process wires.
var Quiet = sync.OnceFunc(func() { sdk.SetLogger(xraylog.NullLogger) })

// Capture runs fn as a subsegment of the invocation's trace.
func Capture(ctx context.Context, name string, fn func(context.Context) error) error {
	if !sampled(ctx) {
		return fn(ctx)
	}
	ctx, segment := sdk.BeginSubsegment(ctx, name)
	failure := errors.New("panicked") // what a panic in fn leaves here
	defer func() { segment.Close(failure) }()
	err := fn(ctx)
	failure = kind(err)
	return err
}

// kind keeps an error's text out of the trace: it may quote what a producer or a target wrote.
func kind(err error) error {
	if err == nil {
		return nil
	}
	if code := loop.CodeOf(err); code != "" {
		return errors.New(string(code))
	}
	return fmt.Errorf("failed (%T)", err)
}

// Header is the trace header to send on, as SQS's AWSTraceHeader for one; "" where there is no trace.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html
func Header(ctx context.Context) string {
	if segment := sdk.GetSegment(ctx); segment != nil {
		return segment.DownstreamHeader().String()
	}
	return incoming(ctx)
}

// TraceID is the id of the invocation's trace, "" where there is none.
func TraceID(ctx context.Context) string { return field(incoming(ctx), "Root") }

func sampled(ctx context.Context) bool {
	return field(incoming(ctx), "Sampled") == "1" && !sdk.SdkDisabled()
}

func incoming(ctx context.Context) string {
	h, _ := ctx.Value(contextKey).(string)
	return h
}

// field reads one of the `name=value` parts of a trace header.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func field(header, name string) string {
	for part := range strings.SplitSeq(header, ";") {
		if k, v, ok := strings.Cut(strings.TrimSpace(part), "="); ok && k == name {
			return v
		}
	}
	return ""
}
