package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

const (
	visibleMessages = "ApproximateNumberOfMessagesVisible"
	delayedMessages = "ApproximateNumberOfMessagesDelayed"
	inFlight        = "ApproximateNumberOfMessagesNotVisible"
	oldestMessage   = "ApproximateAgeOfOldestMessage"
)

func (r region) metric(namespace, name, statistic string, dimensions map[string]*string) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace:     jsii.String(namespace),
		MetricName:    jsii.String(name),
		DimensionsMap: &dimensions,
		Statistic:     jsii.String(statistic),
		Period:        awscdk.Duration_Minutes(jsii.Number(1)),
	})
}

func (r region) sqs(queue, name, statistic string) awscloudwatch.Metric {
	return r.metric("AWS/SQS", name, statistic, map[string]*string{"QueueName": r.full(queue)})
}

func (r region) lambda(function, name, statistic string) awscloudwatch.Metric {
	return r.metric("AWS/Lambda", name, statistic, map[string]*string{"FunctionName": r.full(function)})
}

// verdict is 1 for a minute in which the observer of this region does not object to the judged region, and 0
// where it does. A single standard-resolution metric with a plain statistic: Route 53 follows alarms on no other.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-route53-healthcheck-alarmidentifier.html
func (r region) verdict(judged string) awscloudwatch.Metric {
	return r.metric(metricNamespace, "Verdict", "Minimum", map[string]*string{
		"Deployment": jsii.String(r.cfg.Prefix), "Function": jsii.String(loop.FuncObserver), "Region": jsii.String(judged),
	})
}

// observed is a metric that the observer of this region publishes every minute, by package gauge: of this deployment alone,
// for another's data would hide that this one's is silent.
func (r region) observed(name string) awscloudwatch.Metric {
	return r.metric(metricNamespace, name, "Maximum", map[string]*string{
		"Deployment": jsii.String(r.cfg.Prefix), "Function": jsii.String(loop.FuncObserver),
	})
}

// own is a metric that the functions write themselves, by package telemetry: one dimension, the function's
// name without the prefix.
func (r region) own(function, name, statistic string) awscloudwatch.Metric {
	return r.metric(metricNamespace, name, statistic, map[string]*string{"Function": jsii.String(function)})
}
