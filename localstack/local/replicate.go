package local

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Replicate adds the table replicas that the emulator's CloudFormation leaves out: `claims`
// in every loop region and in the witness, `outputs` in every loop region. The tables stand in
// the first loop region. What is there already stays.
//
// An empty witness (three loop regions, or one) adds none.
func (s *Site) Replicate(ctx context.Context, prefix string, loop []string, witness string) error {
	if len(loop) == 0 {
		return fmt.Errorf("replicate: name the loop regions")
	}
	claims := slices.Clone(loop[1:])
	if witness != "" && !slices.Contains(loop, witness) {
		claims = append(claims, witness)
	}
	if err := s.replicate(ctx, loop[0], prefix+"-claims", claims); err != nil {
		return err
	}
	return s.replicate(ctx, loop[0], prefix+"-outputs", loop[1:])
}

func (s *Site) replicate(ctx context.Context, home, table string, regions []string) error {
	client := dynamodb.NewFromConfig(s.direct(home))
	is, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(table)})
	if err != nil {
		return fmt.Errorf("replicate %s from %s (was it deployed?): %w", table, home, err)
	}
	for _, region := range regions {
		there := slices.ContainsFunc(is.Table.Replicas, func(r types.ReplicaDescription) bool {
			return aws.ToString(r.RegionName) == region
		})
		if there {
			continue
		}
		// One at a time, as AWS wants it.
		_, err := client.UpdateTable(ctx, &dynamodb.UpdateTableInput{
			TableName: aws.String(table),
			ReplicaUpdates: []types.ReplicationGroupUpdate{
				{Create: &types.CreateReplicationGroupMemberAction{RegionName: aws.String(region)}},
			},
		})
		if err != nil {
			return fmt.Errorf("replicate %s to %s: %w", table, region, err)
		}
	}
	return nil
}
