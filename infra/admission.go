package main

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

// Who may send to a queue. Within one account an identity policy is enough to send, whatever the queue's
// policy allows, so only an explicit Deny keeps a queue to the roles it names.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

// signalSenders put signals, timers and outcomes on `signals`, their own region's and their peers'.
func (r region) signalSenders() []*string {
	senders := []string{loop.FuncIngestHTTP, loop.FuncIngestQueue, loop.FuncDecide, loop.FuncAct}
	if _, declared := r.alarmInput(); declared {
		senders = append(senders, loop.FuncIngestAlarm)
	}
	if r.cfg.Polls() {
		senders = append(senders, loop.FuncIngestPoll)
	}
	if r.cfg.Watches() || r.tells() { // the switch of an input and what was found are signals
		senders = append(senders, loop.FuncObserver)
	}
	var roles []*string
	for _, f := range senders {
		roles = append(roles, r.everywhere(func(in string) *string { return r.roleARN(in, f) })...)
	}
	if r.tells() && r.cfg.Regions.Witness != "" {
		roles = append(roles, r.roleARN(r.cfg.Regions.Witness, loop.FuncObserver))
	}
	if slices.Contains(loop.Canaries(r.cfg.Inputs), loop.QueueSignals) {
		roles = append(roles, r.roleARN(r.name, loop.FuncCanary)) // nobody's canary but this region's own
	}
	return append(roles, r.salvagers()...)
}

// salvagers are this region's own, who brings what a drained peer had, and the peers', who renew what stays here while this
// region is drained.
func (r region) salvagers() []*string {
	if len(r.cfg.Regions.Loop) < 2 {
		return nil
	}
	return r.everywhere(func(in string) *string { return r.roleARN(in, loop.FuncSalvage) })
}

// actionSenders put effects on `actions`; no region sends new ones to another's.
func (r region) actionSenders() []*string {
	return append(r.salvagers(), r.roleARN(r.name, loop.FuncDecide), r.roleARN(r.name, loop.FuncAct))
}

// admitRoles refuses everyone but the roles, and the operators who redrive. aws:PrincipalArn is the role's
// ARN for every session of it; a service principal has none, and a negated match on a missing key is true,
// so services are refused as well. sqs:SendMessage covers the batch call.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
//
// The dead-letter queues have no such statement: whether SQS's own move after the last receive is judged by
// it is not documented, and a message lost there would be lost for good. They are guarded by exact role ARNs
// and by the redrive-allow policy.
func (r region) admitRoles(q awssqs.Queue, roles []*string) {
	for _, arn := range r.opt.Operators {
		roles = append(roles, jsii.String(arn))
	}
	q.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("OnlyTheLoopSends"),
		Effect:     awsiam.Effect_DENY,
		Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()},
		Actions:    jsii.Strings("sqs:SendMessage"),
		Resources:  &[]*string{q.QueueArn()},
		Conditions: &map[string]interface{}{
			"ArnNotEquals": map[string]interface{}{"aws:PrincipalArn": roles},
		},
	}))
}

// admitInbox opens the trust boundary for producers that speak SQS: principals of this account and of the
// accounts named, and services acting for a resource named. A sender that is neither is refused, even if a
// statement added later would let it in.
func (r region) admitInbox(q awssqs.Queue) {
	for i, arn := range r.opt.InboxSources {
		q.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid:        jsii.String("Source" + string(rune('A'+i))),
			Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String(serviceOf(arn)), nil)},
			Actions:    jsii.Strings("sqs:SendMessage"),
			Resources:  &[]*string{q.QueueArn()},
			Conditions: &map[string]interface{}{
				"ArnEquals": map[string]interface{}{"aws:SourceArn": arn},
			},
		}))
	}
	accounts := []*string{r.stack.Account()}
	for _, account := range r.opt.InboxAccounts {
		accounts = append(accounts, jsii.String(account))
		q.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid:        jsii.String("Account" + account),
			Principals: &[]awsiam.IPrincipal{awsiam.NewAccountPrincipal(account)},
			Actions:    jsii.Strings("sqs:SendMessage"),
			Resources:  &[]*string{q.QueueArn()},
		}))
	}
	q.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("NamedSourceOrAccount"),
		Effect:     awsiam.Effect_DENY,
		Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()},
		Actions:    jsii.Strings("sqs:SendMessage"),
		Resources:  &[]*string{q.QueueArn()},
		Conditions: &map[string]interface{}{
			"Null":            map[string]interface{}{"aws:SourceArn": "true"},
			"StringNotEquals": map[string]interface{}{"aws:PrincipalAccount": accounts},
		},
	}))
}

// serviceOf is the principal that sends for a resource: arn:aws:sns:… comes from sns.amazonaws.com.
func serviceOf(arn string) string { return strings.SplitN(arn, ":", 6)[2] + ".amazonaws.com" }
