//go:build e2e

package local_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

type object = map[string]any

// assembly writes what a CDK app would: one stack per region, shaped like the loop's (a queue
// with a function behind it, an HTTP API, a schedule and a rule) but small, and the two global
// tables in the first region. It stands for bin/infra, so that this suite needs no jsii.
func assembly(t *testing.T, bootstrap string, regions ...string) string {
	t.Helper()
	dir := t.TempDir()
	code := filepath.Join(dir, "asset.function")
	if err := os.MkdirAll(code, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(bootstrap, filepath.Join(code, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	artifacts := object{}
	for i, region := range regions {
		stack := "test-" + region
		write(t, dir, stack+".template.json", template(region, i == 0))
		bucket := "cdk-hnb659fds-assets-${AWS::AccountId}-" + region
		write(t, dir, stack+".assets.json", object{
			"version": "48.0.0",
			"files": object{"function": object{
				"displayName":  "function",
				"source":       object{"path": "asset.function", "packaging": "zip"},
				"destinations": object{"here": object{"bucketName": bucket, "objectKey": "function.zip", "region": region, "assumeRoleArn": role("file-publishing", region)}},
			}},
			"dockerImages": object{},
		})
		artifacts[stack+".assets"] = object{"type": "cdk:asset-manifest", "properties": object{"file": stack + ".assets.json", "requiresBootstrapStackVersion": 6, "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/hnb659fds/version"}}
		artifacts[stack] = object{
			"type":        "aws:cloudformation:stack",
			"environment": "aws://unknown-account/" + region,
			"properties": object{
				"templateFile": stack + ".template.json", "stackName": stack, "validateOnSynth": false, "terminationProtection": false,
				"assumeRoleArn": role("deploy", region), "cloudFormationExecutionRoleArn": role("cfn-exec", region),
				"requiresBootstrapStackVersion": 6, "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/hnb659fds/version",
				"additionalDependencies": []string{stack + ".assets"},
			},
			"dependencies": []string{stack + ".assets"},
			"displayName":  stack,
		}
	}
	write(t, dir, "manifest.json", object{"version": "48.0.0", "artifacts": artifacts})
	return dir
}

func role(name, region string) string {
	return "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-hnb659fds-" + name + "-role-${AWS::AccountId}-" + region
}

func template(region string, tables bool) object {
	ref := func(name string) object { return object{"Ref": name} }
	arn := func(name string) object { return object{"Fn::GetAtt": []string{name, "Arn"}} }
	resource := func(kind string, properties object) object { return object{"Type": kind, "Properties": properties} }
	resources := object{
		"Report": resource("AWS::SQS::Queue", object{"QueueName": "test-report"}),
		"In":     resource("AWS::SQS::Queue", object{"QueueName": "test-in"}),
		"Role":   resource("AWS::IAM::Role", object{"AssumeRolePolicyDocument": object{"Version": "2012-10-17", "Statement": []any{}}}),
		"Function": resource("AWS::Lambda::Function", object{
			"FunctionName": "test-f", "Runtime": "provided.al2023", "Handler": "bootstrap", "Timeout": 10,
			"Role": arn("Role"), "Code": object{"S3Bucket": "cdk-hnb659fds-assets-000000000000-" + region, "S3Key": "function.zip"},
			"Environment": object{"Variables": object{"REPORT_TO": "test-report"}},
		}),
		"Mapping": resource("AWS::Lambda::EventSourceMapping", object{
			"FunctionName": ref("Function"), "EventSourceArn": arn("In"), "BatchSize": 10, "ScalingConfig": object{"MaximumConcurrency": 2},
		}),
		"Rule": resource("AWS::Events::Rule", object{
			"Name": "test-rule", "ScheduleExpression": "rate(1 minute)", "Targets": []any{object{"Id": "f", "Arn": arn("Function")}},
		}),
		"Off": resource("AWS::Events::Rule", object{"Name": "test-off", "ScheduleExpression": "rate(1 minute)", "State": "DISABLED"}),
		"Schedule": resource("AWS::Scheduler::Schedule", object{
			"Name": "test-schedule", "ScheduleExpression": "rate(1 minute)", "FlexibleTimeWindow": object{"Mode": "OFF"},
			"Target": object{"Arn": arn("Function"), "RoleArn": arn("Role"), "Input": "{}"},
		}),
		"API":         resource("AWS::ApiGatewayV2::Api", object{"Name": "test", "ProtocolType": "HTTP"}),
		"Integration": resource("AWS::ApiGatewayV2::Integration", object{"ApiId": ref("API"), "IntegrationType": "AWS_PROXY", "IntegrationUri": arn("Function"), "PayloadFormatVersion": "2.0"}),
		"Route":       resource("AWS::ApiGatewayV2::Route", object{"ApiId": ref("API"), "RouteKey": "GET /v1/health", "Target": object{"Fn::Join": []any{"", []any{"integrations/", ref("Integration")}}}}),
		"Stage":       resource("AWS::ApiGatewayV2::Stage", object{"ApiId": ref("API"), "StageName": "$default", "AutoDeploy": true}),
	}
	if tables {
		for name, id := range map[string]string{"claims": "Claims", "outputs": "Outputs"} {
			resources[id] = resource("AWS::DynamoDB::GlobalTable", object{
				"TableName": "test-" + name, "BillingMode": "PAY_PER_REQUEST",
				"AttributeDefinitions": []any{object{"AttributeName": "pk", "AttributeType": "S"}},
				"KeySchema":            []any{object{"AttributeName": "pk", "KeyType": "HASH"}},
				"Replicas":             []any{object{"Region": region}},
			})
		}
	}
	return object{"Resources": resources, "Outputs": object{
		"ApiId":       object{"Value": ref("API")},
		"ApiEndpoint": object{"Value": object{"Fn::GetAtt": []string{"API", "ApiEndpoint"}}},
	}}
}

func write(t *testing.T, dir, name string, v any) {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}
