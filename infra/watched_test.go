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
			if keys := list(get(s.condition, "ForAllValues:StringLike", "dynamodb:LeadingKeys")); len(keys) == 1 && text(keys[0]) == loop.WatchedKey("*") {
				writers[name] = slices.Contains(s.actions, "dynamodb:PutItem") && strings.HasSuffix(s.resources[0], ":table/ub-claims")
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
