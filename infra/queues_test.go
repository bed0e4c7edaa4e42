package main

import (
	"slices"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/salvage"
)

// queuesOf maps a stack's queues by name without the prefix.
func queuesOf(t template) map[string]map[string]any {
	byName := map[string]map[string]any{}
	for _, r := range t.Resources {
		if r.Type == "AWS::SQS::Queue" {
			byName[strings.TrimPrefix(text(r.Properties["QueueName"]), "ub-")] = r.Properties
		}
	}
	return byName
}

func TestEverySourceQueueHasItsOwnDeadLetterQueue(t *testing.T) {
	for _, a := range []assembly{made.pair, made.emulated, made.three, made.single} {
		for stack, tmpl := range a.loopStacks() {
			queues := queuesOf(tmpl)
			if len(queues) != 2*len(loop.Queues()) {
				t.Errorf("%s has %d queues", stack, len(queues))
			}
			for _, name := range loop.Queues() {
				source, dead := queues[name], queues[loop.DeadLetter(name)]
				if n, ok := get(source, "RedrivePolicy", "maxReceiveCount").(float64); !ok || n < 5 {
					t.Errorf("%s %s: maxReceiveCount %v; Lambda asks for at least 5", stack, name, n)
				}
				target := get(tmpl.resource(text(get(source, "RedrivePolicy", "deadLetterTargetArn"))), "QueueName")
				if text(target) != "ub-"+loop.DeadLetter(name) {
					t.Errorf("%s %s gives up to %v", stack, name, target)
				}
				want := "arn:aws:sqs:" + strings.TrimPrefix(stack, "ub-") + ":123456789012:ub-" + name
				from := list(get(dead, "RedriveAllowPolicy", "sourceQueueArns"))
				if get(dead, "RedriveAllowPolicy", "redrivePermission") != "byQueue" || len(from) != 1 || text(from[0]) != want {
					t.Errorf("%s %s-dlq takes from %v, want only %s", stack, name, from, want)
				}
				if source["MessageRetentionPeriod"] != 345600.0 || dead["MessageRetentionPeriod"] != 1209600.0 {
					t.Errorf("%s %s keeps %v s and %v s, want 4 and 14 days", stack, name, source["MessageRetentionPeriod"], dead["MessageRetentionPeriod"])
				}
			}
		}
	}
}

// resource finds the properties of what text wrote as ${id}.
func (t template) resource(ref string) map[string]any {
	return t.Resources[strings.TrimSuffix(strings.TrimPrefix(ref, "${"), "}")].Properties
}

func TestEverythingIsEncrypted(t *testing.T) {
	for _, a := range []assembly{made.pair, made.emulated, made.three, made.single} {
		a.each("AWS::SQS::Queue", func(stack, id string, r resource) {
			if r.Properties["SqsManagedSseEnabled"] != true {
				t.Errorf("%s %s: no encryption", stack, id)
			}
		})
		a.each("AWS::DynamoDB::GlobalTable", func(stack, id string, r resource) {
			if get(r.Properties, "SSESpecification", "SSEEnabled") != true {
				t.Errorf("%s %s: no encryption", stack, id)
			}
		})
		a.each("AWS::SNS::Topic", func(stack, id string, r resource) {
			if key := text(r.Properties["KmsMasterKeyId"]); !strings.HasPrefix(key, "${AlarmsKey") {
				t.Errorf("%s %s: key %s; alarms cannot publish under the AWS managed one", stack, id, key)
			}
		})
	}
}

// refuses evaluates the Deny statements of a queue's policy for a send, as IAM would.
func refuses(t template, queue string, context map[string]string) bool {
	for _, r := range t.Resources {
		if r.Type != "AWS::SQS::QueuePolicy" || text(get(t.resource(text(list(r.Properties["Queues"])[0])), "QueueName")) != "ub-"+queue {
			continue
		}
		for _, s := range statements(r.Properties["PolicyDocument"]) {
			if s.effect == "Deny" && slices.Contains(s.actions, "sqs:SendMessage") && holds(s.condition, context) {
				return true
			}
		}
	}
	return false
}

// holds says whether every operator of a condition does. A negated operator holds where the key is missing.
func holds(condition any, context map[string]string) bool {
	operators, _ := condition.(map[string]any)
	for operator, keys := range operators {
		for key, values := range keys.(map[string]any) {
			var allowed []string
			for _, v := range list(values) {
				allowed = append(allowed, text(v))
			}
			value, present := context[key]
			switch operator {
			case "ArnNotEquals", "StringNotEquals":
				if present && slices.Contains(allowed, value) {
					return false
				}
			case "Null":
				if (allowed[0] == "true") == present {
					return false
				}
			default:
				panic("the test does not know " + operator)
			}
		}
	}
	return len(operators) > 0
}

// What salvage leaves where it is has half of its receives left: for the region's own functions, and for sends that fail.
func TestSalvageExhaustsNoReceives(t *testing.T) {
	if maxReceive < 2*salvage.Renew {
		t.Errorf("a dead letter after %d receives, renewed after %d", maxReceive, salvage.Renew)
	}
	once := 0 // a run that fails is not repeated: that would be a look more
	made.pair.each("AWS::Lambda::EventInvokeConfig", func(stack, _ string, c resource) {
		f := made.pair.stacks[stack].resource(text(c.Properties["FunctionName"]))
		if text(f["FunctionName"]) == "ub-"+loop.FuncSalvage && c.Properties["MaximumRetryAttempts"] == 0.0 {
			once++
		}
	})
	if once != 2 {
		t.Errorf("runs that fail are not repeated in %d regions, want 2", once)
	}
	for id, f := range made.pair.stacks["ub-us-east-2"].Resources {
		timeout, _ := f.Properties["Timeout"].(float64)
		if text(f.Properties["FunctionName"]) == "ub-"+loop.FuncSalvage && timeout <= salvage.Longest.Seconds() {
			t.Errorf("%s is killed after %v s, and may take %s", id, timeout, salvage.Longest)
		}
	}
}

func TestSignalsAndActionsRefuseStrangers(t *testing.T) {
	role := func(name string) map[string]string {
		return map[string]string{"aws:PrincipalArn": "arn:aws:iam::123456789012:role/" + name, "aws:PrincipalAccount": "123456789012"}
	}
	topic := map[string]string{"aws:SourceArn": "arn:aws:sns:us-east-2:123456789012:t"}
	for _, c := range []struct {
		queue string
		who   map[string]string
		want  bool
	}{
		{"signals", role("ub-ingest-http-us-east-2"), false},
		{"signals", role("ub-ingest-http-us-west-2"), false}, // a standby copy
		{"signals", role("ub-ingest-queue-us-west-2"), false},
		{"signals", role("ub-decide-us-west-2"), false},
		{"signals", role("ub-act-us-east-2"), false},
		{"signals", role("ub-salvage-us-east-2"), false},
		{"signals", role("ub-salvage-us-west-2"), false}, // what stays here, renewed
		{"signals", role("oncall"), false},
		{"signals", role("ub-outputs-us-east-2"), true},
		{"signals", role("ub-observer-us-east-2"), true},
		{"signals", role("ub-canary-us-east-2"), true}, // it enters by http and queue
		{"signals", role("admin"), true},
		{"signals", topic, true},
		{"actions", role("ub-decide-us-east-2"), false},
		{"actions", role("ub-act-us-east-2"), false},
		{"actions", role("ub-salvage-us-east-2"), false},
		{"actions", role("ub-salvage-us-west-2"), false},
		{"actions", role("ub-decide-us-west-2"), true}, // no region acts through another's queue
		{"actions", role("ub-ingest-http-us-east-2"), true},
		{"actions", role("admin"), true},
		{"actions", topic, true},
	} {
		if got := refuses(made.pair.stacks["ub-us-east-2"], c.queue, c.who); got != c.want {
			t.Errorf("%s refuses %v: %v, want %v", c.queue, c.who, got, c.want)
		}
	}
}

func TestInboxTakesNamedSourcesAndAccounts(t *testing.T) {
	tmpl := made.single.stacks["ub-us-east-2"]
	account := func(id string) map[string]string {
		return map[string]string{"aws:PrincipalArn": "arn:aws:iam::" + id + ":role/producer", "aws:PrincipalAccount": id}
	}
	for _, c := range []struct {
		who  map[string]string
		want bool
	}{
		{account("123456789012"), false},
		{account("210987654321"), false},
		{account("999999999999"), true},
		{map[string]string{}, true}, // a service that names no source
		{map[string]string{"aws:SourceArn": "arn:aws:sns:us-east-2:123456789012:shop"}, false},
	} {
		if got := refuses(tmpl, "inbox", c.who); got != c.want {
			t.Errorf("inbox refuses %v: %v, want %v", c.who, got, c.want)
		}
	}
	var services []string
	for _, r := range tmpl.Resources {
		if r.Type != "AWS::SQS::QueuePolicy" {
			continue
		}
		for _, s := range list(get(r.Properties, "PolicyDocument", "Statement")) {
			if service := get(s, "Principal", "Service"); service != nil && get(s, "Effect") == "Allow" {
				services = append(services, text(service)+" for "+text(get(s, "Condition", "ArnEquals", "aws:SourceArn")))
			}
		}
	}
	if want := []string{"sns.amazonaws.com for arn:aws:sns:us-east-2:123456789012:shop"}; !slices.Equal(services, want) {
		t.Errorf("services let in: %v, want %v", services, want)
	}
}

func TestEveryQueueEnforcesTLS(t *testing.T) {
	for stack, tmpl := range made.pair.loopStacks() {
		enforced := 0
		for _, r := range tmpl.Resources {
			if r.Type != "AWS::SQS::QueuePolicy" {
				continue
			}
			for _, s := range statements(r.Properties["PolicyDocument"]) {
				if s.effect == "Deny" && slices.Contains(s.actions, "sqs:*") && get(s.condition, "Bool", "aws:SecureTransport") == "false" {
					enforced++
				}
			}
		}
		if enforced != 2*len(loop.Queues()) {
			t.Errorf("%s: %d queues enforce TLS, want %d", stack, enforced, 2*len(loop.Queues()))
		}
	}
}
