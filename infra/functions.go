package main

import (
	"path/filepath"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

// function defines {prefix}-{name} with its own role and log group. All it must know beyond its environment
// is in the bundle inside its package, so deciding depends on nothing that could be down. endpoint is nil
// where the function does not need to know where its region's API answers.
func (r region) function(name string, endpoint *string) awslambda.Function {
	logs := awslogs.NewLogGroup(r.stack, jsii.String(constructID(name)+"Logs"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/aws/lambda/" + *r.full(name)),
		Retention:     awslogs.RetentionDays_ONE_MONTH,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	env := map[string]*string{
		"UNBROKEN_ACCOUNT":   r.stack.Account(),
		"UNBROKEN_LOG_LEVEL": jsii.String("info"),
	}
	if endpoint != nil {
		env["UNBROKEN_ENDPOINT"] = endpoint
	}
	props := &awslambda.FunctionProps{
		FunctionName: r.full(name),
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Handler:      jsii.String("bootstrap"),
		Architecture: r.opt.architecture(),
		Code:         awslambda.Code_FromAsset(jsii.String(filepath.Join(r.opt.Dist, name)), nil),
		MemorySize:   jsii.Number(memory(name)),
		Timeout:      seconds(r.timeout(name)),
		Role:         r.role(name).WithoutPolicyUpdates(nil),
		LogGroup:     logs,
		Tracing:      r.tracing(name),
		Environment:  &env,
		// Lambda's own lines about each invocation that went well would be most of the log: health checks are six
		// million a month. What fails or times out it still says. Only in its JSON format can that be chosen; our lines
		// are JSON with a level as they are, and none of them is left out here.
		// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
		LoggingFormat:         awslambda.LoggingFormat_JSON,
		SystemLogLevelV2:      awslambda.SystemLogLevel_WARN,
		ApplicationLogLevelV2: awslambda.ApplicationLogLevel_DEBUG,
	}
	if inLoop(name) {
		// The chain legitimately sends to the queues it reads: backoff, legs of a timer, outcomes. Lambda
		// would stop a message after 16 turns; the loop's own hop count bounds causation instead.
		// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
		props.RecursiveLoop = awslambda.RecursiveLoop_ALLOW
		if r.opt.ReservedConcurrency > 0 {
			props.ReservedConcurrentExecutions = jsii.Number(r.opt.ReservedConcurrency)
		}
	}
	if name == loop.FuncIngestAlarm { // it is called without anybody waiting for its answer
		props.DeadLetterQueue = awssqs.Queue_FromQueueArn(r.stack, jsii.String("AlarmDeadLetters"), r.queueARN(r.name, loop.DeadLetter(loop.QueueInbox)))
	}
	if name == loop.FuncSalvage { // the next minute's run does all of it anyway, and what fails must not be looked at more often
		props.RetryAttempts = jsii.Number(0)
	}
	return awslambda.NewFunction(r.stack, jsii.String(constructID(name)+"Function"), props)
}

// tracing is for the way of a signal. Lambda records a trace of the first invocation in every second, which cannot be
// configured: of every canary three, a million a month, though nobody sends; health checks would make millions more.
// https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
func (r region) tracing(name string) awslambda.Tracing {
	if r.traced(name) {
		return awslambda.Tracing_ACTIVE
	}
	return awslambda.Tracing_DISABLED
}

func (r region) traced(name string) bool { return !r.opt.Untraced && onTheWay(name) }

// onTheWay says whether a signal passes the function.
func onTheWay(name string) bool {
	switch name {
	case loop.FuncIngestHTTP, loop.FuncIngestQueue, loop.FuncIngestAlarm, loop.FuncIngestPoll, loop.FuncDecide, loop.FuncAct:
		return true
	}
	return false
}

// inLoop says whether a message may pass the function more than once.
func inLoop(name string) bool {
	switch name {
	case loop.FuncIngestHTTP, loop.FuncIngestQueue, loop.FuncDecide, loop.FuncAct:
		return true
	}
	return false
}

// consume lets the function drain the queue, reporting which messages of a batch failed, so that one poison
// message brings back itself and not nine others. No batching window: it would only add latency.
func (r region) consume(q awssqs.Queue, f awslambda.Function) {
	awslambda.NewEventSourceMapping(r.stack, jsii.String(*q.Node().Id()+"Mapping"), &awslambda.EventSourceMappingProps{
		Target:                  f,
		EventSourceArn:          q.QueueArn(),
		BatchSize:               jsii.Number(10),
		ReportBatchItemFailures: jsii.Bool(true),
		MaxConcurrency:          jsii.Number(r.opt.MaxConcurrency),
	})
}

// timeout of a function in seconds; its queue's visibility follows from it.
func (r region) timeout(name string) float64 {
	switch name {
	case loop.FuncAct:
		return r.actTimeout()
	case loop.FuncDecide:
		return 15
	case loop.FuncObserver, loop.FuncSalvage, loop.FuncCanary:
		return 50 // done before the next minute's run starts; a salvage ends by itself before (salvage.Longest)
	case loop.FuncSweeper:
		return 300 // the four minutes of a run, its last page, and writing down where it stopped
	case loop.FuncArchive, loop.FuncIngestPoll:
		return 30 // a poll is done before the region's lease on the cursor ends
	case loop.FuncOutputs:
		return 5 // reads that take longer are better hedged to a peer
	}
	return 10
}

// actTimeout leaves the slowest action its time and 10 s more to claim before it and to commit and emit
// after it. The margin is what keeps a timeout from striking between a send and its commit.
func (r region) actTimeout() float64 {
	slowest := 10.0
	for _, a := range r.cfg.Actions {
		slowest = max(slowest, a.Timeout.Std().Seconds())
	}
	return float64(int(slowest+0.999)) + 10
}

// memory in MB buys CPU in proportion: decide evaluates CEL and act signs and speaks TLS.
func memory(name string) float64 {
	switch name {
	case loop.FuncDecide, loop.FuncAct:
		return 512
	case loop.FuncCanary:
		return 128 // it waits, for half of its time
	}
	return 256
}

func seconds(n float64) awscdk.Duration { return awscdk.Duration_Seconds(jsii.Number(n)) }

// constructID turns a resource's name into a construct's: ingest-http becomes IngestHttp.
func constructID(name string) string {
	var id strings.Builder
	for _, part := range strings.Split(name, "-") {
		id.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return id.String()
}
