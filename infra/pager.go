package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"
)

// pager is the topic that this region's alarms go to; people subscribe to it. A region pages by itself: the
// one that is lost cannot.
type pager struct {
	region
	action awscloudwatchactions.SnsAction
}

func (r region) pager() pager {
	// Alarms cannot publish to a topic under the AWS managed key, and say so only in the alarm's history:
	// it takes a key whose policy admits CloudWatch.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
	// It encrypts what is on its way, and nothing that is kept; and a rotation adds as much to the bill as the key itself,
	// for good. So it is rotated as rarely as it can be, every seven years.
	// https://aws.amazon.com/kms/pricing/
	key := awskms.NewKey(r.stack, jsii.String("AlarmsKey"), &awskms.KeyProps{
		Description:       jsii.String("unbroken: encrypts alarm notifications in " + r.name),
		EnableKeyRotation: jsii.Bool(true),
		RotationPeriod:    awscdk.Duration_Days(jsii.Number(2560)),
		RemovalPolicy:     awscdk.RemovalPolicy_DESTROY, // it protects nothing that is stored for long
	})
	topic := awssns.NewTopic(r.stack, jsii.String("Alarms"), &awssns.TopicProps{
		TopicName:  r.full("alarms"),
		MasterKey:  key,
		EnforceSSL: jsii.Bool(true),
	})
	cloudwatch := awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)
	onlyOurs := &map[string]interface{}{
		"StringEquals": map[string]interface{}{"aws:SourceAccount": r.stack.Account()},
		"ArnLike":      map[string]interface{}{"aws:SourceArn": r.arn("cloudwatch", r.name, "alarm:"+r.cfg.Prefix+"-*")},
	}
	key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{cloudwatch},
		Actions:    jsii.Strings("kms:Decrypt", "kms:GenerateDataKey*"),
		Resources:  jsii.Strings("*"), // in a key's policy, this key
		Conditions: onlyOurs,
	}), nil)
	// Enforcing TLS writes a topic policy, which replaces the default one that let the account publish.
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("AlarmsPublish"),
		Principals: &[]awsiam.IPrincipal{cloudwatch},
		Actions:    jsii.Strings("sns:Publish"),
		Resources:  &[]*string{topic.TopicArn()},
		Conditions: onlyOurs,
	}))
	return pager{region: r, action: awscloudwatchactions.NewSnsAction(topic)}
}

// watch is one alarm: what it is called, what it means and what to do, when it goes off.
type watch struct {
	name    string
	means   string
	metric  awscloudwatch.IMetric
	above   float64 // alarms when the metric is greater, or
	below   float64 // where set, when it is less
	periods float64 // consecutive; 1 where not set
	missing awscloudwatch.TreatMissingData
}

func (p pager) page(w watch) {
	props := &awscloudwatch.AlarmProps{
		AlarmName:          p.full(w.name),
		AlarmDescription:   jsii.String(w.means),
		Metric:             w.metric,
		Threshold:          jsii.Number(w.above),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
		EvaluationPeriods:  jsii.Number(max(w.periods, 1)),
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	}
	if w.below > 0 {
		props.Threshold = jsii.Number(w.below)
		props.ComparisonOperator = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD
	}
	if w.missing != "" {
		props.TreatMissingData = w.missing
	}
	alarm := awscloudwatch.NewAlarm(p.stack, jsii.String(constructID(w.name)+"Alarm"), props)
	alarm.AddAlarmAction(p.action)
	alarm.AddOkAction(p.action)
}
