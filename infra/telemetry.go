package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"example.com/unbroken/internal/loop"
)

// metricNamespace is where functions write their own metrics, by embedded metric format or PutMetricData.
const metricNamespace = "Unbroken"

// telemetry are the permissions that no resource can narrow: X-Ray and CloudWatch metrics know no ARNs.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
func (r region) telemetry(name string) []awsiam.PolicyStatement {
	group := "log-group:/aws/lambda/" + *r.full(name)
	statements := []awsiam.PolicyStatement{
		allow([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, r.arn("logs", r.name, group+":*")),
	}
	if r.traced(name) {
		statements = append(statements, allow([]string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, jsii.String("*")))
	}
	if name == loop.FuncObserver || name == loop.FuncIngestPoll {
		statements = append(statements, allow([]string{"cloudwatch:GetMetricData"}, jsii.String("*")))
	}
	if name == loop.FuncObserver {
		statements = append(statements,
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions:   jsii.Strings("cloudwatch:PutMetricData"),
				Resources: jsii.Strings("*"),
				Conditions: &map[string]interface{}{
					"StringEquals": map[string]interface{}{"cloudwatch:namespace": metricNamespace},
				},
			}))
	}
	return statements
}

// excuseTelemetry covers these two wildcards and no other: a third one in a role is a finding.
func (r region) excuseTelemetry(role awsiam.Role) {
	excuse(role,
		cdknag.NagPackSuppression{
			Id:        jsii.String("AwsSolutions-IAM5"),
			Reason:    jsii.String("X-Ray and CloudWatch metrics have no resource ARNs; PutMetricData is bound to our namespace"),
			AppliesTo: &[]interface{}{"Resource::*"},
		},
		cdknag.NagPackSuppression{
			Id:     jsii.String("AwsSolutions-IAM5"),
			Reason: jsii.String("log streams are named by Lambda; the log group is exact"),
			AppliesTo: &[]interface{}{&cdknag.RegexAppliesTo{
				Regex: jsii.String(`/^Resource::arn:.*:log-group:\/aws\/lambda\/[a-z0-9-]+:\*$/`),
			}},
		})
}
