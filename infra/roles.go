package main

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// role is the function's own: one inline policy with exact ARNs, all of it in this file. Nothing in CDK adds
// to it (the function gets it WithoutPolicyUpdates), so what stands here is what the function may do.
func (r region) role(name string) awsiam.Role {
	statements := append(r.grants(name), r.telemetry(name)...)
	role := awsiam.NewRole(r.stack, jsii.String(constructID(name)+"Role"), &awsiam.RoleProps{
		RoleName:    jsii.String(r.roleName(name, r.name)),
		Description: jsii.String("unbroken: " + name + " in " + r.name),
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"loop": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements}),
		},
	})
	r.excuseTelemetry(role)
	switch name {
	case loop.FuncAct:
		r.excuseTargets(role)
	case loop.FuncArchive:
		excuseArchive(role)
	}
	return role
}

// grants are a function's permissions on data.
func (r region) grants(name string) []awsiam.PolicyStatement {
	own := func(queue string) *string { return r.queueARN(r.name, queue) }
	signals := r.everywhere(func(in string) *string { return r.queueARN(in, loop.QueueSignals) })
	claims := r.tableARN(r.name, loop.TableClaims)
	outputs := r.tableARN(r.name, loop.TableOutputs)
	ledger := "ledger#" + r.name + "#*"
	notes := onKeys([]string{ledger, loop.HeardKey("*")}, []string{"dynamodb:PutItem"}, outputs) // the sampled ledger, and that an input is heard
	controls := []string{"dynamodb:GetItem"}
	if slices.ContainsFunc(r.cfg.Rules, func(one loop.Rule) bool { return one.Guard.MaxRegressions > 0 }) {
		controls = append(controls, "dynamodb:PutItem") // a rule stops itself; all else there is people's
	}

	ingested := signals // where what ingest accepts goes
	if slices.Contains(r.archivers(), name) {
		ingested = append(ingested, own(loop.QueueArchive))
	}

	switch name {
	case loop.FuncArchive: // objects
		return []awsiam.PolicyStatement{receive(own(loop.QueueArchive)), r.archivePut()}
	case loop.FuncIngestHTTP: // the signal and its standby copy; notes; whether the region is drained, and its canaries' keys; the secrets of its producers
		return append([]awsiam.PolicyStatement{
			send(ingested...), notes,
			onKeys([]string{"state#*", "verdict#*", loop.CanaryKeyKey(r.name)}, []string{"dynamodb:Query"}, outputs),
		}, r.secrets(r.inputSecrets())...)
	case loop.FuncIngestQueue: // the same without gate and secrets, and quarantine
		return []awsiam.PolicyStatement{
			receive(own(loop.QueueInbox)),
			send(append(ingested, own(loop.DeadLetter(loop.QueueInbox)))...),
			notes, onKeys([]string{loop.CanaryKeyKey(r.name)}, []string{"dynamodb:Query"}, outputs),
		}
	case loop.FuncIngestAlarm: // without a queue of its own, and no canary comes that way
		return []awsiam.PolicyStatement{
			send(append(ingested, own(loop.DeadLetter(loop.QueueInbox)))...),
			notes,
		}
	case loop.FuncIngestPoll: // the signal and its standby copy; how far it has read, and whether it stands by; the sampled ledger
		return append([]awsiam.PolicyStatement{
			send(ingested...),
			onKeys([]string{loop.CursorKey("*")}, []string{"dynamodb:GetItem", "dynamodb:PutItem"}, claims),
			onKeys([]string{loop.WatchedKey("*")}, []string{"dynamodb:GetItem"}, claims),
			notes,
		}, r.secrets(r.endpointSecrets())...)
	case loop.FuncDecide: // effects, re-sends and timers, quarantine; episodes; windows
		return []awsiam.PolicyStatement{
			receive(own(loop.QueueSignals)),
			send(append(signals, own(loop.QueueActions), own(loop.DeadLetter(loop.QueueSignals)))...),
			onKeys([]string{"episode#*"}, []string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}, claims),
			allow([]string{"dynamodb:Query"}, outputs),
			onKeys([]string{"win#" + r.name + "#*", ledger}, []string{"dynamodb:PutItem", "dynamodb:BatchWriteItem"}, outputs),
		}
	case loop.FuncAct: // backoff, outcomes, quarantine; claims and what bounds them; outputs; the secrets its actions name
		var episodes []awsiam.PolicyStatement // whether a rule fires that mutes another one
		if slices.ContainsFunc(r.cfg.Rules, func(one loop.Rule) bool { return len(one.InhibitedBy) > 0 }) {
			episodes = append(episodes, onKeys([]string{"episode#*"}, []string{"dynamodb:GetItem"}, claims))
		}
		return slices.Concat([]awsiam.PolicyStatement{
			receive(own(loop.QueueActions)),
			send(append(signals, own(loop.QueueActions), own(loop.DeadLetter(loop.QueueActions)))...),
			onKeys([]string{"effect#*", "budget#*", "throttle#*"},
				[]string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}, claims),
			onKeys([]string{loop.KeyControls}, controls, claims),
			allow([]string{"dynamodb:BatchGetItem"}, outputs),
			onKeys([]string{"out#" + r.name + "#*"}, []string{"dynamodb:UpdateItem"}, outputs),
			onKeys([]string{loop.ReceiptKey(r.name), ledger}, []string{"dynamodb:PutItem"}, outputs),
		}, episodes, r.secrets(r.actionSecrets()), r.targets())
	case loop.FuncOutputs: // reads only; lists by the index of keys
		return []awsiam.PolicyStatement{
			allow([]string{"dynamodb:Query", "dynamodb:BatchGetItem"}, outputs),
			allow([]string{"dynamodb:Query"}, r.tableARN(r.name, loop.TableOutputs+"/index/"+loop.IndexKeys)),
		}
	case loop.FuncSweeper: // reads all claims, deletes what has ended; its own notes
		return []awsiam.PolicyStatement{
			allow([]string{"dynamodb:Scan"}, claims),
			onKeys([]string{"episode#*"}, []string{"dynamodb:GetItem"}, claims),
			onKeys([]string{"effect#*", "episode#*", "budget#*", "throttle#*"}, []string{"dynamodb:DeleteItem"}, claims),
			onKeys([]string{"sweep#" + r.name}, []string{"dynamodb:Query", "dynamodb:PutItem"}, outputs),
		}
	case loop.FuncSalvage: // what is stranded in drained peers, to the own queues, and what stays, to theirs anew; who is drained
		filled := []*string{own(loop.QueueInbox), own(loop.QueueSignals), own(loop.QueueActions)}
		for _, peer := range loop.Peers(r.cfg.Regions.Loop, r.name) {
			filled = append(filled, r.queueARN(peer, loop.QueueSignals), r.queueARN(peer, loop.QueueActions))
		}
		return []awsiam.PolicyStatement{
			r.salvages(),
			send(filled...),
			onKeys([]string{"state#*", "verdict#*"}, []string{"dynamodb:Query"}, outputs),
		}
	case loop.FuncCanary:
		return r.canaryGrants()
	case loop.FuncObserver:
		return append(r.observerGrants(), r.watcherGrants()...)
	}
	panic("no grants for function " + name) // a function without a policy must not be defined by accident
}

// salvages takes messages from the peers' source queues, deletes them and gives back what is not to be moved. Of the own
// queues nothing is taken, and dead letters are people's.
func (r region) salvages() awsiam.PolicyStatement {
	var queues []*string
	for _, peer := range loop.Peers(r.cfg.Regions.Loop, r.name) {
		for _, q := range loop.Queues() {
			queues = append(queues, r.queueARN(peer, q))
		}
	}
	return allow([]string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"}, queues...)
}

// observerGrants reach every loop region: an observer judges all of them and writes its verdict directly
// into each one's outputs.
func (r region) observerGrants() []awsiam.PolicyStatement {
	var queues []*string
	for _, q := range loop.Queues() {
		for _, name := range []string{q, loop.DeadLetter(q)} {
			queues = append(queues, r.everywhere(func(in string) *string { return r.queueARN(in, name) })...)
		}
	}
	tables := r.everywhere(func(in string) *string { return r.tableARN(in, loop.TableOutputs) })
	return []awsiam.PolicyStatement{
		allow([]string{"sqs:GetQueueAttributes"}, queues...),
		allow([]string{"dynamodb:Query", "dynamodb:GetItem"}, tables...),
		onKeys([]string{"verdict#*", "state#*", "endpoint#" + r.name, loop.ToldKey(r.name)}, []string{"dynamodb:PutItem"}, tables...),
	}
}

// canaryGrants are the ways in of the region's own canaries, and the key that they are signed with. Ingest believes whoever is
// announced there, so no other role may write it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
func (r region) canaryGrants() []awsiam.PolicyStatement {
	all := []awsiam.PolicyStatement{onKeys([]string{loop.CanaryKeyKey(r.name)}, []string{"dynamodb:PutItem"}, r.tableARN(r.name, loop.TableOutputs))}
	for _, kind := range loop.Canaries(r.cfg.Inputs) {
		switch kind {
		case loop.KindHTTP:
			all = append(all, allow([]string{"execute-api:Invoke"}, r.arn("execute-api", r.name, *r.apiID+"/$default/POST"+loop.CanaryPath)))
		case loop.KindQueue:
			all = append(all, send(r.queueARN(r.name, loop.QueueInbox)))
		default:
			all = append(all, send(r.queueARN(r.name, loop.QueueSignals)))
		}
	}
	return all
}

// watcherGrants are what an observer needs besides, to say what it found, and in a loop region to switch an input's
// standby on and off.
func (r region) watcherGrants() []awsiam.PolicyStatement {
	var all []awsiam.PolicyStatement
	if r.watchesInputs() || r.tells() {
		all = append(all, send(r.everywhere(func(in string) *string { return r.queueARN(in, loop.QueueSignals) })...))
	}
	if r.watchesInputs() {
		all = append(all, onKeys([]string{loop.WatchedKey("*")}, []string{"dynamodb:GetItem", "dynamodb:PutItem"}, r.tableARN(r.name, loop.TableClaims)))
	}
	return all
}

// tells says whether observers send what they find: some rule hears it.
func (r region) tells() bool { return rule.Hears(r.cfg, loop.FindingTypes()...) }

// watchesInputs says whether this region has an observer of inputs: the witness has neither queues nor claims to ask.
func (r region) watchesInputs() bool {
	return slices.Contains(r.cfg.Regions.Loop, r.name) && r.cfg.Watches()
}

// actionSecrets are the references that actions name.
func (r region) actionSecrets() (refs []string) {
	for _, a := range r.cfg.Actions {
		refs = append(refs, a.Secret)
	}
	return refs
}

// inputSecrets are the references that the credentials of inputs name.
func (r region) inputSecrets() (refs []string) {
	for _, in := range r.cfg.Inputs {
		for _, c := range in.Credentials {
			refs = append(refs, c.Secrets...)
		}
	}
	return refs
}

// endpointSecrets are the references of the keys that polled endpoints ask for.
func (r region) endpointSecrets() (refs []string) {
	for _, in := range r.cfg.Inputs {
		refs = append(refs, in.Secret)
	}
	return refs
}

// managedSecret starts the reference of a secret of Secrets Manager, which Parameter Store reads on its behalf.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html
const managedSecret = "aws/reference/secretsmanager/"

// secrets are exactly the parameters that are named as ssm:/path. A SecureString under the AWS managed
// key needs no permission on the key: its own policy lets every principal of the account decrypt through
// Parameter Store. One under a key of your own needs the function's role in that key's policy.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-restrict-decryption.html
func (r region) secrets(refs []string) []awsiam.PolicyStatement {
	parameters, managed := map[string]bool{}, map[string]bool{}
	for _, ref := range refs {
		if path, ok := strings.CutPrefix(ref, "ssm:/"); ok {
			parameters[*r.arn("ssm", r.name, "parameter/"+path)] = true
			if name, ok := strings.CutPrefix(path, managedSecret); ok {
				managed[*r.arn("secretsmanager", r.name, "secret:"+name+"-??????")] = true // six characters that AWS adds
			}
		}
	}
	var all []awsiam.PolicyStatement
	for _, s := range []struct {
		action string
		arns   map[string]bool
	}{{"ssm:GetParameter", parameters}, {"secretsmanager:GetSecretValue", managed}} {
		if len(s.arns) > 0 {
			// In one order, so that a template does not change by itself.
			all = append(all, allow([]string{s.action}, *jsii.Strings(sortedKeys(s.arns)...)...))
		}
	}
	return all
}

func send(queues ...*string) awsiam.PolicyStatement {
	return allow([]string{"sqs:SendMessage"}, queues...)
}

// receive is what an event source mapping needs, with nothing to spare.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
func receive(queue *string) awsiam.PolicyStatement {
	return allow([]string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, queue)
}

// onKeys is allow for the items whose partition keys are like these: a table holds the records of several functions, and
// each may touch its own.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
func onKeys(keys, actions []string, tables ...*string) awsiam.PolicyStatement {
	s := allow(actions, tables...)
	s.AddCondition(jsii.String("ForAllValues:StringLike"), map[string]any{"dynamodb:LeadingKeys": keys})
	return s
}

func allow(actions []string, resources ...*string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: &resources,
	})
}
