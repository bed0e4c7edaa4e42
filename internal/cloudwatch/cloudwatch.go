// Package cloudwatch reads and writes metrics: the observers' eyes, and where they leave their verdicts for the
// alarms of the slow path. It judges nothing; in particular, no data is reported as no data, never as zero.
package cloudwatch

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// API is the part of CloudWatch that is used here; *cloudwatch.Client implements it.
type API interface {
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
	PutMetricData(context.Context, *cloudwatch.PutMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error)
}

var _ API = (*cloudwatch.Client)(nil)

// Metrics are the metrics of one region: the region of its client.
type Metrics struct {
	api API
}

// New returns the metrics that api reads and writes.
func New(api API) *Metrics { return &Metrics{api: api} }

// dimensions in a fixed order, so that equal requests are equal.
func dimensions(m map[string]string) []types.Dimension {
	var dims []types.Dimension
	for _, name := range slices.Sorted(maps.Keys(m)) {
		dims = append(dims, types.Dimension{Name: aws.String(name), Value: aws.String(m[name])})
	}
	return dims
}
