package emf

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// text shows what is put in one line each.
func text(puts []Put) string {
	var lines []string
	for _, p := range puts {
		for _, d := range p.Data {
			line := p.Namespace + " " + aws.ToString(d.MetricName)
			for _, dim := range d.Dimensions {
				line += " " + *dim.Name + "=" + *dim.Value
			}
			lines = append(lines, fmt.Sprint(line, " ", d.Values, " ", d.Unit, " ", d.Timestamp.UTC().Format(time.TimeOnly)))
		}
	}
	return strings.Join(lines, "\n")
}

func TestParse(t *testing.T) {
	t.Parallel()
	head := func(directives string) string {
		return `"_aws":{"Timestamp":43200000,"CloudWatchMetrics":[` + directives + `]}}`
	}
	for name, tc := range map[string]struct{ line, want string }{
		"one metric": {
			`{"Function":"act","Delivered":3,` + head(`{"Namespace":"N","Dimensions":[["Function"]],"Metrics":[{"Name":"Delivered","Unit":"Count"}]}`),
			"N Delivered Function=act [3] Count 12:00:00",
		},
		"several values": {
			`{"F":"act","L":[1.5,2,2],` + head(`{"Namespace":"N","Dimensions":[["F"]],"Metrics":[{"Name":"L","Unit":"Milliseconds"}]}`),
			"N L F=act [1.5 2 2] Milliseconds 12:00:00",
		},
		"two dimension sets and none": {
			`{"F":"o","R":"us","V":0,` + head(`{"Namespace":"N","Dimensions":[["F","R"],["R"],[]],"Metrics":[{"Name":"V"}]}`),
			"N V F=o R=us [0]  12:00:00\nN V R=us [0]  12:00:00\nN V [0]  12:00:00",
		},
		"two namespaces": {
			`{"V":1,` + head(`{"Namespace":"A","Dimensions":[[]],"Metrics":[{"Name":"V"}]},{"Namespace":"B","Dimensions":[[]],"Metrics":[{"Name":"V"}]}`),
			"A V [1]  12:00:00\nB V [1]  12:00:00",
		},
		"an ordinary line":                 {`{"level":"INFO","msg":"landed"}`, ""},
		"a line that speaks of the format": {`START "_aws" is the head`, ""},
		"half a line":                      {`{"_aws":{"Timestamp":1,`, ""},
		"empty":                            {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			puts, err := Parse(tc.line)
			if err != nil || text(puts) != tc.want {
				t.Errorf("%v, got\n%s\nwant\n%s", err, text(puts), tc.want)
			}
		})
	}
}

func TestALineThatBreaksTheFormatIsRefused(t *testing.T) {
	t.Parallel()
	rest := func(metric string) string {
		return `"F":"act",` + metric + `"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[["F"]],"Metrics":[{"Name":"V"}]}]}}`
	}
	for name, line := range map[string]string{
		"no time":                  `{"_aws":{"CloudWatchMetrics":[]}}`,
		"no such metric":           `{` + rest(""),
		"a metric of text":         `{` + rest(`"V":"3",`),
		"no values":                `{` + rest(`"V":[],`),
		"too many values":          `{` + rest(`"V":[1`+strings.Repeat(",1", 100)+`],`),
		"a dimension that is none": strings.Replace(`{`+rest(`"V":1,`), `"act"`, `1`, 1),
	} {
		if puts, err := Parse(line); err == nil {
			t.Errorf("%s: put %s", name, text(puts))
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"F":"act","V":[1,2],"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[["F"]],"Metrics":[{"Name":"V","Unit":"Count"}]}]}}`)
	f.Fuzz(func(t *testing.T, line string) {
		puts, _ := Parse(line)
		for _, p := range puts {
			for _, d := range p.Data {
				if len(d.Values) == 0 || len(d.Values) > maxValues {
					t.Errorf("%d values", len(d.Values))
				}
			}
		}
	})
}
