package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// targets are what act may do at the resources that its actions declare, and at no others: one statement a target,
// its resources sorted, so that a template does not change by itself. Where a template fills in part of a name,
// and there only, an ARN has a wildcard. What is encrypted under a key of your own needs act's role in that key's
// policy.
func (r region) targets() []awsiam.PolicyStatement {
	byTarget := map[string]map[string]bool{}
	buckets, namespaces := map[string]bool{}, map[string]bool{}
	for _, a := range r.cfg.Actions {
		for _, arn := range r.targetARNs(a) {
			if byTarget[a.To] == nil {
				byTarget[a.To] = map[string]bool{}
			}
			byTarget[a.To][arn] = true
		}
		switch a.To {
		case loop.TargetS3:
			buckets[*r.partitioned("s3", "", "", a.Fields["bucket"])] = true
		case loop.TargetMetric:
			namespaces[a.Fields["namespace"]] = true
		}
	}
	var statements []awsiam.PolicyStatement
	for _, to := range sortedKeys(byTarget) {
		statements = append(statements, allow(targetActions(to), *jsii.Strings(sortedKeys(byTarget[to])...)...))
	}
	if len(buckets) > 0 {
		// Without it S3 answers 403 for an object that does not exist, and nothing could ever be put first.
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
		statements = append(statements, allow([]string{"s3:ListBucket"}, *jsii.Strings(sortedKeys(buckets)...)...))
	}
	if len(namespaces) > 0 {
		statements = append(statements, awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions: jsii.Strings("cloudwatch:PutMetricData"), Resources: jsii.Strings("*"),
			Conditions: &map[string]interface{}{"StringEquals": map[string]interface{}{"cloudwatch:namespace": sortedKeys(namespaces)}},
		}))
	}
	return statements
}

// targetActions are the API actions that the adapter of a target calls (package internal/target).
func targetActions(to string) []string {
	switch to {
	case loop.TargetSNS:
		return []string{"sns:Publish"}
	case loop.TargetSQS:
		return []string{"sqs:SendMessage"}
	case loop.TargetEventBridge:
		return []string{"events:PutEvents"}
	case loop.TargetLambda:
		return []string{"lambda:InvokeFunction"}
	case loop.TargetStepFunctions:
		return []string{"states:StartExecution"}
	case loop.TargetSSM:
		return []string{"ssm:GetParameterHistory", "ssm:PutParameter"}
	case loop.TargetDynamoDB:
		return []string{"dynamodb:PutItem"}
	case loop.TargetS3:
		return []string{"s3:GetObject", "s3:PutObject"}
	case loop.TargetAppConfig:
		return []string{"appconfig:ListHostedConfigurationVersions", "appconfig:CreateHostedConfigurationVersion"}
	case loop.TargetAlarm:
		return []string{"cloudwatch:DescribeAlarms", "cloudwatch:SetAlarmState"}
	}
	panic("no actions for target " + to) // a target without permissions must not be declared by accident
}

// targetARNs are the resources of one action; none where the target needs no permission, or has none to narrow.
func (r region) targetARNs(a loop.Action) []string {
	in := a.Fields["region"]
	if in == loop.OwnRegion || in == "" {
		in = r.name
	}
	account := *r.stack.Account()
	one := func(service, resource string) []string {
		return []string{*r.partitioned(service, in, account, resource)}
	}
	switch a.To {
	case loop.TargetSNS:
		return []string{a.Fields["topic"]}
	case loop.TargetSQS:
		return []string{a.Fields["queue"]}
	case loop.TargetEventBridge:
		return []string{a.Fields["bus"]}
	case loop.TargetLambda:
		return []string{a.Fields["function"]}
	case loop.TargetStepFunctions:
		return []string{a.Fields["state_machine"]}
	case loop.TargetSSM:
		return one("ssm", "parameter"+rule.Wildcards(a.Fields["parameter"]))
	case loop.TargetDynamoDB:
		return one("dynamodb", "table/"+a.Fields["table"])
	case loop.TargetS3:
		return []string{*r.partitioned("s3", "", "", a.Fields["bucket"]+"/"+rule.Wildcards(a.Fields["object"]))}
	case loop.TargetAppConfig:
		application := "application/" + a.Fields["application"]
		return append(one("appconfig", application), one("appconfig", application+"/configurationprofile/"+a.Fields["profile"])...)
	case loop.TargetAlarm:
		return one("cloudwatch", "alarm:"+rule.Wildcards(a.Fields["alarm"]))
	}
	return nil
}

func (r region) partitioned(service, in, account, resource string) *string {
	return r.stack.FormatArn(&awscdk.ArnComponents{
		Service: &service, Region: &in, Account: &account, Resource: &resource, ArnFormat: awscdk.ArnFormat_NO_RESOURCE_NAME,
	})
}

// excuseTargets covers the wildcards that templates make, each one exactly.
func (r region) excuseTargets(role awsiam.Role) {
	for _, a := range r.cfg.Actions {
		for _, arn := range r.targetARNs(a) {
			if !strings.Contains(arn, "*") {
				continue
			}
			resource := regexp.QuoteMeta(rule.Wildcards(a.Fields["parameter"] + a.Fields["object"] + a.Fields["alarm"]))
			excuse(role, cdknag.NagPackSuppression{
				Id:        jsii.String("AwsSolutions-IAM5"),
				Reason:    jsii.String("the name of the resource holds what a signal is about; the rest of it is exact"),
				AppliesTo: &[]interface{}{&cdknag.RegexAppliesTo{Regex: jsii.String("/^Resource::.*" + strings.ReplaceAll(resource, "/", `\/`) + "$/")}},
			})
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
