package target

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// MetricAPI is the part of CloudWatch that is used here; *cloudwatch.Client implements it.
type MetricAPI interface {
	PutMetricData(context.Context, *cloudwatch.PutMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error)
}

// Metric puts one number. It counts as often as it is put, and has the time at which CloudWatch receives it.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
func Metric(clients Clients[MetricAPI]) act.Target {
	return deliver(func(ctx context.Context, _ loop.Effect, r loop.Request) act.Answer {
		namespace, ok := strings.CutPrefix(r.URL, "metric://")
		if !ok {
			return refused("the resource is not of the form metric://namespace")
		}
		var number float64
		if err := json.Unmarshal([]byte(r.Body), &number); err != nil {
			return refused("number: must be a number")
		}
		datum := types.MetricDatum{MetricName: aws.String(r.Headers["metric"]), Value: &number, Unit: types.StandardUnit(r.Headers["unit"])}
		for name, value := range prefixed(r.Headers, loop.HeaderDimension) {
			datum.Dimensions = append(datum.Dimensions, types.Dimension{Name: &name, Value: &value})
		}
		slices.SortFunc(datum.Dimensions, func(a, b types.Dimension) int { return strings.Compare(*a.Name, *b.Name) })
		ctx, call := watch(ctx)
		_, err := clients(r.Headers["region"]).PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
			Namespace: &namespace, MetricData: []types.MetricDatum{datum},
		})
		if err != nil {
			return call.answer(err)
		}
		return delivered("put into %s", namespace)
	})
}
