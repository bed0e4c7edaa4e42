package main

import (
	"slices"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

// Where a rule hears what observers find, those of all three regions may send to both loop regions' `signals`, which
// admit them; in no other deployment.
func TestObserversSendWhereARuleHears(t *testing.T) {
	for name, c := range map[string]struct {
		of   assembly
		want int
	}{"a rule hears": {made.targets, 3}, "none does": {made.pair, 0}} {
		may := 0
		eachRole(t, c.of, func(role string, all []statement) {
			if strings.HasPrefix(role, "ub-observer-") && slices.ContainsFunc(all, func(s statement) bool {
				return s.line() == expand("sqs:SendMessage signals@{own} signals@{peer}")
			}) {
				may++
			}
		})
		if may != c.want {
			t.Errorf("%s: %d observers may send, want %d", name, may, c.want)
		}
		for stack, tmpl := range c.of.loopStacks() {
			admitted := 0
			for _, r := range tmpl.Resources {
				if r.Type != "AWS::SQS::QueuePolicy" {
					continue
				}
				for _, s := range list(get(r.Properties, "PolicyDocument", "Statement")) {
					for _, arn := range list(get(s, "Condition", "ArnNotEquals", "aws:PrincipalArn")) {
						if strings.Contains(text(arn), ":role/ub-"+loop.FuncObserver+"-") {
							admitted++
						}
					}
				}
			}
			if admitted != c.want {
				t.Errorf("%s: %s admits %d observers, want %d", name, stack, admitted, c.want)
			}
		}
	}
}
