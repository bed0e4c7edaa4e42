package emf

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Put is what one directive of a line puts into one namespace.
type Put struct {
	Namespace string
	Data      []types.MetricDatum
}

// root is the part of a line that is not metrics or dimensions.
type root struct {
	AWS struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
}

// maxValues is what one metric of a line may have; CloudWatch drops the line otherwise.
const maxValues = 100

// Parse reads a line of the embedded metric format; any other line puts nothing. A line that has the format's head and
// breaks its rules is an error: CloudWatch would extract nothing from it and say so in a metric.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func Parse(line string) ([]Put, error) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "{") || !strings.Contains(line, `"_aws"`) {
		return nil, nil
	}
	var r root
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(line), &members); err != nil {
		return nil, nil //nolint:nilerr // not JSON: an ordinary line
	}
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		return nil, fmt.Errorf("emf: %w", err)
	}
	if r.AWS.Timestamp <= 0 {
		return nil, fmt.Errorf("emf: no Timestamp")
	}
	at := time.UnixMilli(r.AWS.Timestamp)
	var puts []Put
	for _, d := range r.AWS.CloudWatchMetrics {
		p := Put{Namespace: d.Namespace}
		for _, names := range d.Dimensions {
			dims, err := dimensions(members, names)
			if err != nil {
				return nil, err
			}
			for _, m := range d.Metrics {
				values, err := numbers(members[m.Name])
				if err != nil {
					return nil, fmt.Errorf("emf: metric %s: %w", m.Name, err)
				}
				p.Data = append(p.Data, types.MetricDatum{
					MetricName: aws.String(m.Name), Dimensions: dims, Unit: types.StandardUnit(m.Unit), Timestamp: aws.Time(at), Values: values,
				})
			}
		}
		puts = append(puts, p)
	}
	return puts, nil
}

func dimensions(members map[string]json.RawMessage, names []string) ([]types.Dimension, error) {
	var dims []types.Dimension
	for _, name := range names {
		var value string
		if err := json.Unmarshal(members[name], &value); err != nil {
			return nil, fmt.Errorf("emf: dimension %s has no text: %w", name, err)
		}
		dims = append(dims, types.Dimension{Name: aws.String(name), Value: aws.String(value)})
	}
	return dims, nil
}

// numbers reads a number or a list of them.
func numbers(raw json.RawMessage) ([]float64, error) {
	var one float64
	if err := json.Unmarshal(raw, &one); err == nil {
		return []float64{one}, nil
	}
	var many []float64
	if err := json.Unmarshal(raw, &many); err != nil {
		return nil, err
	}
	if len(many) == 0 || len(many) > maxValues {
		return nil, fmt.Errorf("%d values, want 1 to %d", len(many), maxValues)
	}
	return many, nil
}
