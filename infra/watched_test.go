package main

import (
	"slices"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

// An observer in a loop region switches standbys and says so; the witness has no claims to ask, and where nothing is
// watched no observer may do more than observe.
func TestObserversSwitchStandbysWhereInputsAreWatched(t *testing.T) {
	writers := map[string]bool{}
	eachRole(t, made.archived, func(name string, all []statement) {
		for _, s := range all {
			if keys := list(get(s.condition, "ForAllValues:StringLike", "dynamodb:LeadingKeys")); len(keys) == 1 && text(keys[0]) == loop.WatchedKey("*") &&
				slices.Contains(s.actions, "dynamodb:PutItem") && strings.HasSuffix(s.resources[0], ":table/ub-claims") {
				writers[name] = true
			}
		}
		sends := slices.ContainsFunc(all, func(s statement) bool { return slices.Contains(s.actions, "sqs:SendMessage") })
		if strings.HasPrefix(name, "ub-observer-") && sends != writers[name] {
			t.Errorf("%s sends: %v, switches: %v", name, sends, writers[name])
		}
	})
	if len(writers) != 2 || !writers["ub-observer-us-east-2"] || !writers["ub-observer-us-west-2"] {
		t.Errorf("who switches: %v", writers)
	}
	who := map[string]string{"aws:PrincipalArn": "arn:aws:iam::123456789012:role/ub-observer-us-west-2", "aws:PrincipalAccount": "123456789012"}
	if refuses(made.archived.stacks["ub-us-east-2"], "signals", who) {
		t.Error("the switch does not reach the peer")
	}
	for stack, tmpl := range made.archived.stacks {
		pages := 0
		for _, r := range tmpl.Resources {
			if r.Type == "AWS::CloudWatch::Alarm" && text(r.Properties["AlarmName"]) == "ub-input-stalled" && text(r.Properties["MetricName"]) == "StalledInputs" {
				pages++
			}
		}
		if want := map[bool]int{true: 1}[strings.HasPrefix(stack, "ub-us-") && stack != "ub-us-east-1"]; pages != want {
			t.Errorf("%s: %d alarms, want %d", stack, pages, want)
		}
	}
}

// The poller reads metrics, its own cursors, and which inputs are stalled; it may write no other record.
func TestThePollerReadsMetricsAndMovesCursors(t *testing.T) {
	pollers := 0
	eachRole(t, made.archived, func(name string, all []statement) {
		if !strings.HasPrefix(name, "ub-ingest-poll-") {
			return
		}
		pollers++
		for _, s := range all {
			keys := list(get(s.condition, "ForAllValues:StringLike", "dynamodb:LeadingKeys"))
			writes := slices.Contains(s.actions, "dynamodb:PutItem") && strings.HasSuffix(s.resources[0], ":table/ub-claims")
			if writes && (len(keys) != 1 || text(keys[0]) != "cursor#*") {
				t.Errorf("%s writes %v", name, keys)
			}
			if slices.Contains(s.actions, "cloudwatch:PutMetricData") || slices.Contains(s.actions, "ssm:GetParameter") && !strings.HasSuffix(s.resources[0], ":parameter/ub/status") {
				t.Errorf("%s may %v on %v", name, s.actions, s.resources)
			}
		}
		if !slices.ContainsFunc(all, func(s statement) bool { return slices.Equal(s.actions, []string{"cloudwatch:GetMetricData"}) }) {
			t.Errorf("%s reads no metrics", name)
		}
	})
	schedules := 0
	made.archived.each("AWS::Scheduler::Schedule", func(_, _ string, r resource) {
		if text(r.Properties["Name"]) == "ub-ingest-poll" {
			schedules++
		}
	})
	if pollers != 2 || schedules != 2 {
		t.Errorf("%d pollers, %d schedules", pollers, schedules)
	}
	who := map[string]string{"aws:PrincipalArn": "arn:aws:iam::123456789012:role/ub-ingest-poll-us-west-2", "aws:PrincipalAccount": "123456789012"}
	if refuses(made.archived.stacks["ub-us-east-2"], "signals", who) || !refuses(made.pair.stacks["ub-us-east-2"], "signals", who) {
		t.Error("the poller reaches signals where there is one, and only there")
	}
}
