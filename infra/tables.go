package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

// claimsTable is the only place where regions must agree. With three regions it is strongly consistent
// across them: a conditional write sees the latest version wherever it was written. The mode is fixed at
// creation, on an empty table, so it stands here from the first deployment.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/multi-region-strong-consistency-gt.html
//
// No TTL: that mode has none. A bounded scan deletes what is terminal and past its horizon.
func (r region) claimsTable() {
	props := r.tableProps(loop.TableClaims)
	if len(r.cfg.Regions.All()) == 3 {
		props.MultiRegionConsistency = awsdynamodb.MultiRegionConsistency_STRONG
		if r.cfg.Regions.Witness != "" {
			props.WitnessRegion = jsii.String(r.cfg.Regions.Witness)
		}
	}
	awsdynamodb.NewTableV2(r.stack, jsii.String("Claims"), props)
}

// outputsTable is eventually consistent: each region writes only items that carry its own name, and readers
// merge, so nothing here is ever decided by last-writer-wins.
func (r region) outputsTable() {
	props := r.tableProps(loop.TableOutputs)
	props.SortKey = &awsdynamodb.Attribute{Name: jsii.String("sk"), Type: awsdynamodb.AttributeType_STRING}
	props.TimeToLiveAttribute = jsii.String("ttl")
	// Which outputs there are. Sparse, and of keys only: a key's first write pays for it and no other, so its one
	// partition a region bounds nothing but the rate of new keys.
	props.GlobalSecondaryIndexes = &[]*awsdynamodb.GlobalSecondaryIndexPropsV2{{
		IndexName:      jsii.String(loop.IndexKeys),
		PartitionKey:   &awsdynamodb.Attribute{Name: jsii.String(loop.IndexHash), Type: awsdynamodb.AttributeType_STRING},
		SortKey:        &awsdynamodb.Attribute{Name: jsii.String(loop.IndexRange), Type: awsdynamodb.AttributeType_STRING},
		ProjectionType: awsdynamodb.ProjectionType_KEYS_ONLY,
	}}
	awsdynamodb.NewTableV2(r.stack, jsii.String("Outputs"), props)
}

// tableProps is what both tables have: on demand, because a failover doubles a region's load at once;
// point-in-time recovery; a key that is audited; and a replica in every other loop region, which takes
// these settings over.
func (r region) tableProps(name string) *awsdynamodb.TablePropsV2 {
	var replicas []*awsdynamodb.ReplicaTableProps
	for _, in := range r.cfg.Regions.Loop {
		if in != r.name {
			replicas = append(replicas, &awsdynamodb.ReplicaTableProps{Region: jsii.String(in)})
		}
	}
	props := &awsdynamodb.TablePropsV2{
		TableName:    r.full(name),
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("pk"), Type: awsdynamodb.AttributeType_STRING},
		Billing:      awsdynamodb.Billing_OnDemand(nil),
		Encryption:   awsdynamodb.TableEncryptionV2_AwsManagedKey(),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
		DeletionProtection: jsii.Bool(!r.opt.disposable()),
		RemovalPolicy:      r.removal(),
	}
	if replicas != nil {
		props.Replicas = &replicas
	}
	return props
}

// removal keeps what holds signals, claims or outputs when a stack is deleted, but not when its first
// creation fails: names are fixed, and what a rollback left behind would refuse the next attempt.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
func (r region) removal() awscdk.RemovalPolicy {
	if r.opt.disposable() {
		return awscdk.RemovalPolicy_DESTROY
	}
	return awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
}
