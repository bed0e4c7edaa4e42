package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

const (
	sourceRetentionDays = 4
	deadRetentionDays   = 14 // the most there is

	// visibilityFactor: "at least six times the configuration timeout on your function", so that Lambda can
	// retry a batch that was throttled while the one before was being processed.
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
	visibilityFactor = 6

	// maxReceive bounds what our own code cannot: backoff is a re-send and a poison message is quarantined
	// by decide and act themselves, so only crashes, timeouts, throttled invocations and messages of a
	// version this deployment does not know yet come back through a receive. Lambda asks for at least 5. At
	// 60 to 150 s of visibility, 20 gives a bad deployment half an hour to be rolled back before its
	// messages need a redrive; the peer's standby copies do the work meanwhile.
	maxReceive = 20
)

// consumers says which function drains which queue.
func consumers() map[string]string {
	return map[string]string{
		loop.QueueInbox:   loop.FuncIngestQueue,
		loop.QueueSignals: loop.FuncDecide,
		loop.QueueActions: loop.FuncAct,
	}
}

// queues defines the source queues, each with a dead-letter queue beside it, and who may send to them.
func (r region) queues() map[string]awssqs.Queue {
	all := map[string]awssqs.Queue{}
	for _, name := range loop.Queues() {
		dead := r.deadLetter(name)
		all[name] = awssqs.NewQueue(r.stack, jsii.String(constructID(name)), &awssqs.QueueProps{
			QueueName:         r.full(name),
			RetentionPeriod:   awscdk.Duration_Days(jsii.Number(sourceRetentionDays)),
			VisibilityTimeout: seconds(visibilityFactor * r.timeout(consumers()[name])),
			DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: dead, MaxReceiveCount: jsii.Number(maxReceive)},
			Encryption:        awssqs.QueueEncryption_SQS_MANAGED,
			EnforceSSL:        jsii.Bool(true),
			RemovalPolicy:     r.removal(),
		})
	}
	r.admitInbox(all[loop.QueueInbox])
	r.admitRoles(all[loop.QueueSignals], r.signalSenders())
	r.admitRoles(all[loop.QueueActions], r.actionSenders())
	return all
}

// deadLetter takes only what its own source gives up. The source's ARN is computed: a reference would make
// a cycle, since the source refers to it.
func (r region) deadLetter(source string) awssqs.Queue {
	id := constructID(loop.DeadLetter(source))
	from := awssqs.Queue_FromQueueArn(r.stack, jsii.String(id+"Source"), r.queueARN(r.name, source))
	return awssqs.NewQueue(r.stack, jsii.String(id), &awssqs.QueueProps{
		QueueName:       r.full(loop.DeadLetter(source)),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(deadRetentionDays)),
		RedriveAllowPolicy: &awssqs.RedriveAllowPolicy{
			RedrivePermission: awssqs.RedrivePermission_BY_QUEUE,
			SourceQueues:      &[]awssqs.IQueue{from},
		},
		Encryption:    awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:    jsii.Bool(true),
		RemovalPolicy: r.removal(),
	})
}
