package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

// dashboard reads like the chain runs, top to bottom: where a row turns red, the rows above it are well. Its
// name carries the region, because dashboards are global; one for both would be deployed, and lost, with one of them. It
// shows 50 metrics, for with more it is none of the three that are free: what only pages is left to its alarm.
// https://aws.amazon.com/cloudwatch/pricing/
func (r region) dashboard() {
	board := awscloudwatch.NewDashboard(r.stack, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DashboardName: jsii.String(loop.Name(r.cfg.Prefix, r.name)),
	})
	board.AddWidgets(
		r.graph("ingest: answers", r.own(loop.FuncIngestHTTP, "Accepted", "Sum"), r.own(loop.FuncIngestHTTP, "Rejected", "Sum"),
			r.own(loop.FuncIngestQueue, "Accepted", "Sum"), r.own(loop.FuncIngestQueue, "Rejected", "Sum")),
		r.graph("ingest: one copy only", r.own(loop.FuncIngestHTTP, "SingleCopy", "Sum"), r.own(loop.FuncIngestQueue, "SingleCopy", "Sum")),
		r.runs("ingest: functions", loop.FuncIngestHTTP, loop.FuncIngestQueue),
	)
	board.AddWidgets(r.depth(loop.QueueSignals), r.oldest(loop.QueueSignals), r.link(loop.FuncDecide, "signal to decision"))
	board.AddWidgets(
		r.graph("decide: results", r.own(loop.FuncDecide, "Decided", "Sum"), r.own(loop.FuncDecide, "Quarantined", "Sum"), r.own(loop.FuncDecide, "Errors", "Sum")),
		r.runs("decide: function", loop.FuncDecide),
		r.took(loop.FuncDecide),
	)
	board.AddWidgets(r.depth(loop.QueueActions), r.oldest(loop.QueueActions), r.link(loop.FuncAct, "decision to action"))
	board.AddWidgets(
		r.graph("act: results", r.own(loop.FuncAct, "Delivered", "Sum"), r.own(loop.FuncAct, "Parked", "Sum"),
			r.own(loop.FuncAct, "Expired", "Sum"), r.own(loop.FuncAct, "Retries", "Sum"), r.own(loop.FuncAct, "Errors", "Sum")),
		r.runs("act: function", loop.FuncAct),
		r.graph("signal to action, end to end (ms)", r.own(loop.FuncAct, "EndToEndLatency", "p50"), r.own(loop.FuncAct, "EndToEndLatency", "p99")),
	)
	board.AddWidgets(
		r.runs("outputs: function", loop.FuncOutputs),
		r.graph(loop.QueueInbox+": waiting", r.sqs(loop.QueueInbox, visibleMessages, "Maximum")),
		r.deadLetters(),
	)
	board.AddWidgets(
		r.graph("observer", r.lambda(loop.FuncObserver, "Invocations", "Sum"), r.lambda(loop.FuncObserver, "Errors", "Sum")),
		r.graph("canary: through the chain (ms)", r.own(loop.FuncAct, "CanaryLatency", "p50"), r.own(loop.FuncAct, "CanaryLatency", "Maximum")),
		r.graph("claims: deleted, overdue", r.own(loop.FuncSweeper, "Swept", "Sum"), r.own(loop.FuncSweeper, "Overdue", "Sum")),
	)
}

func (r region) graph(title string, metrics ...awscloudwatch.IMetric) awscloudwatch.IWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
		Title:  jsii.String(title),
		Left:   &metrics,
		Region: jsii.String(r.name),
		Width:  jsii.Number(8), // three to a row of 24
	})
}

func (r region) depth(queue string) awscloudwatch.IWidget {
	return r.graph(queue+": waiting, delayed, in flight",
		r.sqs(queue, visibleMessages, "Maximum"), r.sqs(queue, delayedMessages, "Maximum"), r.sqs(queue, inFlight, "Maximum"))
}

func (r region) oldest(queue string) awscloudwatch.IWidget {
	return r.graph(queue+": oldest (s)", r.sqs(queue, oldestMessage, "Maximum"))
}

func (r region) link(function, title string) awscloudwatch.IWidget {
	return r.graph(title+" (ms)", r.own(function, "LinkLatency", "p50"), r.own(function, "LinkLatency", "p99"))
}

func (r region) took(function string) awscloudwatch.IWidget {
	return r.graph(function+": duration (ms)", r.lambda(function, "Duration", "p50"), r.lambda(function, "Duration", "p99"))
}

func (r region) runs(title string, functions ...string) awscloudwatch.IWidget {
	var metrics []awscloudwatch.IMetric
	for _, f := range functions {
		for _, name := range []string{"Invocations", "Errors", "Throttles"} {
			metrics = append(metrics, r.lambda(f, name, "Sum"))
		}
	}
	return r.graph(title, metrics...)
}

func (r region) deadLetters() awscloudwatch.IWidget {
	var metrics []awscloudwatch.IMetric
	for _, queue := range loop.Queues() {
		metrics = append(metrics, r.sqs(loop.DeadLetter(queue), visibleMessages, "Maximum"))
	}
	return r.graph("dead letters", metrics...)
}
