package rule

import (
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/goccy/go-yaml/ast"

	"example.com/unbroken/internal/loop"
)

// Bounds of CloudWatch: metrics in one call, and dimensions of a metric.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
const (
	maxMetrics    = 500
	maxDimensions = 30
)

// statistic is one that GetMetricData takes.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
var statistic = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(SampleCount|Average|Sum|Minimum|Maximum|IQM|(p|tm|wm|tc|ts)[0-9]{1,2}(\.[0-9]{1,10})?)$`)
})

func (d *decoder) metrics(into *[]loop.Metric) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		d.list(n, path, func(n ast.Node, path string) {
			var m loop.Metric
			d.fields(n, path, known{
				"name": d.text(&m.Name), "namespace": d.text(&m.Namespace), "metric": d.text(&m.Metric), "stat": d.text(&m.Stat),
				"region": d.text(&m.Region), "dimensions": d.textMap(&m.Dimensions),
			})
			*into = append(*into, m)
		})
	}
}

// poll checks what is read, and that nobody else has it.
func (c *checker) poll(path string, in loop.Input) {
	if in.Kind != loop.KindPoll {
		if in.Every != 0 || len(in.Metrics) > 0 || in.URL != "" || in.Secret != "" {
			c.fail(path, "add kind: poll", "only an input of kind poll has every, metrics, url and secret")
		}
		return
	}
	if in.Every < loop.Duration(time.Minute) || in.Every%loop.Duration(time.Minute) != 0 || loop.Duration(time.Hour)%in.Every != 0 {
		c.fail(path+".every", "such as 1m, 5m, 15m or 1h", "must be whole minutes of which an hour has a whole number")
	}
	if in.URL != "" {
		c.page(path, in)
		return
	}
	if in.Schema != nil || in.Map != (loop.Mapping{}) || in.Secret != "" {
		c.fail(path, "leave out schema, map and secret, or add url", "what is read from CloudWatch has one form")
	}
	if in.Source == "" {
		c.fail(path, "add source: cloudwatch/…", "source is required: a metric has none of its own")
	}
	if n := len(in.Metrics); n == 0 || n > maxMetrics {
		c.fail(path, "add metrics: [{name, namespace, metric, stat}], or url: an endpoint that says JSON", "metrics must name 1 to %d, not %d", maxMetrics, n)
	}
	seen := map[string]bool{}
	for i, m := range in.Metrics {
		at := fmt.Sprintf("%s.metrics[%d]", path, i)
		switch {
		case !patterns().id.MatchString(m.Name):
			c.fail(at, idHint, "name %q is not a name", m.Name)
		case seen[m.Name]:
			c.fail(at+".name", "", "%s is named twice: two metrics would make one signal", m.Name)
		}
		seen[m.Name] = true
		if m.Namespace == "" || m.Metric == "" {
			c.fail(at, "such as namespace: AWS/ApplicationELB, metric: HTTPCode_Target_5XX_Count", "namespace and metric are required")
		}
		if !statistic().MatchString(m.Stat) {
			c.fail(at+".stat", "Sum, Average, Minimum, Maximum, SampleCount or a percentile such as p99", "unknown statistic %q", m.Stat)
		}
		if !patterns().region.MatchString(m.Region) {
			c.fail(at+".region", "such as us-east-2", "%q is not a region", m.Region)
		}
		if len(m.Dimensions) > maxDimensions {
			c.fail(at+".dimensions", "", "%d dimensions; CloudWatch knows at most %d", len(m.Dimensions), maxDimensions)
		}
	}
}

// page checks an endpoint that says JSON.
func (c *checker) page(path string, in loop.Input) {
	if len(in.Metrics) > 0 {
		c.fail(path, "make two inputs of it", "an input reads metrics or a url, not both")
	}
	if pieces, err := split(in.URL); err == nil && (len(pieces) != 1 || pieces[0].isExpr) {
		c.fail(path+".url", "", "must not come from a template")
	} else if err := checkURL(in.URL, c.cfg.EgressAllow); err != nil {
		c.fail(path+".url", "", "%s", err)
	}
	if in.Secret != "" && !patterns().secret.MatchString(in.Secret) {
		c.fail(path+".secret", "such as ssm:/unbroken/status", "must name a parameter, never hold the secret itself")
	}
	c.mapping(path, in)
}
