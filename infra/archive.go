package main

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"example.com/unbroken/internal/loop"
)

const (
	archiveDays = 90 // what rules are tried on is not older

	// archiveWindow: a batch is an object, so it waits for company. SQS allows it for batches of more than ten.
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
	archiveWindow = 60
	archiveBatch  = 1000

	archiveAgeAlarm = 1800
)

// archive stands beside the chain where an input is archived, and is nowhere otherwise: a queue that ingest sends to, a
// function that makes objects of its messages, and a bucket. Signals wait in the queue while S3 does not answer.
func (r region) archive(p pager) {
	if !r.cfg.Archives() {
		return
	}
	queue := awssqs.NewQueue(r.stack, jsii.String(constructID(loop.QueueArchive)), &awssqs.QueueProps{
		QueueName:         r.full(loop.QueueArchive),
		RetentionPeriod:   awscdk.Duration_Days(jsii.Number(sourceRetentionDays)),
		VisibilityTimeout: seconds(visibilityFactor*r.timeout(loop.FuncArchive) + archiveWindow),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: r.deadLetter(loop.QueueArchive), MaxReceiveCount: jsii.Number(maxReceive)},
		Encryption:        awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		RemovalPolicy:     r.removal(),
	})
	var senders []*string
	for _, function := range r.archivers() {
		senders = append(senders, r.roleARN(r.name, function))
	}
	r.admitRoles(queue, senders)
	r.archiveBucket()
	awslambda.NewEventSourceMapping(r.stack, jsii.String("ArchiveMapping"), &awslambda.EventSourceMappingProps{
		Target:                  r.function(loop.FuncArchive, nil),
		EventSourceArn:          queue.QueueArn(),
		BatchSize:               jsii.Number(archiveBatch),
		MaxBatchingWindow:       seconds(archiveWindow),
		ReportBatchItemFailures: jsii.Bool(true),
		MaxConcurrency:          jsii.Number(2), // the least there is; each takes 6 MB at a time
	})
	r.archiveAlarms(p)
}

// archiveBucket holds signals as producers sent them: nobody's but the account's, encrypted, and not for ever.
func (r region) archiveBucket() {
	bucket := awss3.NewBucket(r.stack, jsii.String("ArchiveBucket"), &awss3.BucketProps{
		BucketName:        jsii.String(loop.ArchiveBucket(r.cfg.Prefix, *r.stack.Account(), r.name)),
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		EnforceSSL:        jsii.Bool(true),
		LifecycleRules:    &[]*awss3.LifecycleRule{{Expiration: awscdk.Duration_Days(jsii.Number(archiveDays))}},
		RemovalPolicy:     r.removal(),
	})
	excuse(bucket, cdknag.NagPackSuppression{
		Id:     jsii.String("AwsSolutions-S1"),
		Reason: jsii.String("one role writes here and operators read; CloudTrail's data events tell who, where that is wanted"),
	})
}

// archivePut lets the archive's function write its own region's objects, and neither read nor delete them.
func (r region) archivePut() awsiam.PolicyStatement {
	bucket := loop.ArchiveBucket(r.cfg.Prefix, *r.stack.Account(), r.name)
	return allow([]string{"s3:PutObject"}, jsii.String("arn:"+*r.stack.Partition()+":s3:::"+bucket+"/archive/"+r.name+"/*"))
}

func excuseArchive(role awsiam.Role) {
	excuse(role, cdknag.NagPackSuppression{
		Id:        jsii.String("AwsSolutions-IAM5"),
		Reason:    jsii.String("objects are named by hour; bucket and region are exact"),
		AppliesTo: &[]interface{}{&cdknag.RegexAppliesTo{Regex: jsii.String(`/^Resource::.*:s3:::.*\/archive\/[a-z0-9-]+\/\*$/`)}},
	})
}

// archivers are the ingest functions of archived inputs: they alone may send to the archive's queue.
func (r region) archivers() (functions []string) {
	by := map[string]string{
		loop.KindHTTP: loop.FuncIngestHTTP, loop.KindQueue: loop.FuncIngestQueue, loop.KindAlarm: loop.FuncIngestAlarm, loop.KindPoll: loop.FuncIngestPoll,
	}
	for _, in := range r.cfg.Inputs {
		if in.Archive {
			functions = append(functions, by[in.Kind])
		}
	}
	slices.Sort(functions) // one order, so that a template does not change by itself
	return slices.Compact(functions)
}

// archiveAlarms: what is missing from an archive hurts nobody today, but it is not noticed later either.
func (r region) archiveAlarms(p pager) {
	r.errorAlarms(p, loop.FuncArchive)
	for _, function := range r.archivers() {
		p.page(watch{
			name:    function + "-unarchived",
			means:   "Signals were accepted and are not in the archive: its queue failed or was slow. The loop is not affected.",
			metric:  r.own(function, "Unarchived", "Sum"),
			periods: 3,
		})
	}
	p.page(watch{
		name:   loop.DeadLetter(loop.QueueArchive) + "-messages",
		means:  "Signals could not be archived; their function's log says why. Repair it, then move them back: unbroken redrive archive.",
		metric: r.sqs(loop.DeadLetter(loop.QueueArchive), visibleMessages, "Maximum"),
	})
	p.page(watch{
		name:    loop.QueueArchive + "-age",
		means:   "The archive's queue is not being drained. Does its function run, does S3 answer it? The loop is not affected.",
		metric:  r.sqs(loop.QueueArchive, oldestMessage, "Maximum"),
		above:   archiveAgeAlarm,
		periods: 3,
	})
}
