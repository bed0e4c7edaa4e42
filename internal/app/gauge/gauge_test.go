package gauge

import (
	"context"
	"testing"
	"time"

	cwsdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"example.com/unbroken/internal/cloudwatch"
)

// metrics takes what is published; reading is not asked for.
type metrics struct {
	cloudwatch.API
	puts []*cwsdk.PutMetricDataInput
}

func (m *metrics) PutMetricData(_ context.Context, in *cwsdk.PutMetricDataInput, _ ...func(*cwsdk.Options)) (*cwsdk.PutMetricDataOutput, error) {
	m.puts = append(m.puts, in)
	return &cwsdk.PutMetricDataOutput{}, nil
}

// The alarms of the slow path look for exactly these names: a metric under another one is silence.
func TestVerdictsArePublishedUnderTheNamesTheAlarmsRead(t *testing.T) {
	t.Parallel()
	var m metrics
	at := time.Unix(1772600767, 0)
	g := gauge{cloudwatch.New(&m), func() time.Time { return at }}
	if err := g.Publish(t.Context(), "us-east-1", map[string]float64{"us-east-2": 1, "us-west-2": 0}, 2); err != nil {
		t.Fatal(err)
	}
	if len(m.puts) != 1 || *m.puts[0].Namespace != "Unbroken" || len(m.puts[0].MetricData) != 3 {
		t.Fatalf("%+v", m.puts)
	}
	want := map[string]float64{"us-east-2": 1, "us-west-2": 0}
	if silent := m.puts[0].MetricData[0]; *silent.MetricName != "SilentObservers" || *silent.Value != 2 || len(silent.Dimensions) != 1 {
		t.Errorf("%+v", silent)
	}
	for _, d := range m.puts[0].MetricData[1:] {
		dims := map[string]string{}
		for _, dim := range d.Dimensions {
			dims[*dim.Name] = *dim.Value
		}
		if *d.MetricName != "Verdict" || dims["Function"] != "observer" || len(dims) != 2 || *d.Value != want[dims["Region"]] || !d.Timestamp.Equal(at) {
			t.Errorf("%+v", d)
		}
		delete(want, dims["Region"])
	}
	if len(want) != 0 {
		t.Errorf("not published: %v", want)
	}
}
