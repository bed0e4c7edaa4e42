package gauge

import (
	"context"
	"testing"
	"time"

	cwsdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"example.com/unbroken/internal/cloudwatch"
	"example.com/unbroken/internal/observe"
)

// taken is what is published; reading is not asked for.
type taken struct {
	cloudwatch.API
	puts []*cwsdk.PutMetricDataInput
}

func (m *taken) PutMetricData(_ context.Context, in *cwsdk.PutMetricDataInput, _ ...func(*cwsdk.Options)) (*cwsdk.PutMetricDataOutput, error) {
	m.puts = append(m.puts, in)
	return &cwsdk.PutMetricDataOutput{}, nil
}

// The alarms of the slow path look for exactly these names: a metric under another one is silence.
func TestVerdictsArePublishedUnderTheNamesTheAlarmsRead(t *testing.T) {
	t.Parallel()
	var m taken
	at := time.Unix(1772600767, 0)
	g := gauge{cloudwatch.New(&m), "ub", func() time.Time { return at }}
	if err := g.Publish(t.Context(), observe.Reading{Verdicts: map[string]float64{"us-east-2": 1, "us-west-2": 0}, Silent: 2, Found: 3}); err != nil {
		t.Fatal(err)
	}
	if len(m.puts) != 1 || *m.puts[0].Namespace != "Unbroken" || len(m.puts[0].MetricData) != 4 {
		t.Fatalf("%+v", m.puts)
	}
	want := map[string]float64{"us-east-2": 1, "us-west-2": 0}
	of := func(d types.MetricDatum) map[string]string {
		dims := map[string]string{}
		for _, dim := range d.Dimensions {
			dims[*dim.Name] = *dim.Value
		}
		return dims
	}
	for i, name := range []string{"SilentObservers", "ObserverFound"} {
		d := m.puts[0].MetricData[i]
		if dims := of(d); *d.MetricName != name || *d.Value != float64(2+i) || len(dims) != 2 || dims["Function"] != "observer" || dims["Deployment"] != "ub" {
			t.Errorf("%+v", d)
		}
	}
	for _, d := range m.puts[0].MetricData[2:] {
		dims := of(d)
		if *d.MetricName != "Verdict" || dims["Function"] != "observer" || dims["Deployment"] != "ub" || len(dims) != 3 || *d.Value != want[dims["Region"]] || !d.Timestamp.Equal(at) {
			t.Errorf("%+v", d)
		}
		delete(want, dims["Region"])
	}
	if len(want) != 0 {
		t.Errorf("not published: %v", want)
	}
}
