package main

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

// Each policy of loop.yaml becomes records of one kind, each with its region's check. A template with two kinds is
// refused by Route 53 when it is deployed.
func TestTheLoopsNameFollowsThePolicy(t *testing.T) {
	east, west := "us-east-2", "us-west-2"
	for _, c := range []struct {
		dns  loop.DNS
		word string
		want map[string]any // of each region
	}{
		{loop.DNS{}, "Region", map[string]any{east: east, west: west}},
		{loop.DNS{Policy: loop.DNSWeighted, Weights: map[string]int{east: 0, west: 255}}, "Weight", map[string]any{east: 0.0, west: 255.0}},
		{loop.DNS{Policy: loop.DNSFailover, Primary: west}, "Failover", map[string]any{east: "SECONDARY", west: "PRIMARY"}},
	} {
		cfg := config(loop.Regions{Loop: []string{east, west}, Witness: "us-east-1"})
		cfg.DNS = c.dns
		out := t.TempDir()
		app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(out), AnalyticsReporting: jsii.Bool(false)})
		names(app, cfg, Options{Domain: "loop.example.com", HostedZone: "Z0EXAMPLE"}, nil)
		app.Synth(nil)
		made, err := read(out)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]any{}
		for _, r := range made.stacks["ub-dns"].Resources {
			if r.Type != "AWS::Route53::RecordSet" {
				continue
			}
			for _, word := range []string{"Region", "Weight", "Failover"} {
				if v, ok := r.Properties[word]; ok != (word == c.word) {
					t.Errorf("%+v: a record has %s %v", c.dns, word, v)
				}
			}
			if r.Properties["HealthCheckId"] == nil {
				t.Errorf("%+v: a record without a health check", c.dns)
			}
			got[text(r.Properties["SetIdentifier"])] = r.Properties[c.word]
		}
		if len(got) != 2 || got[east] != c.want[east] || got[west] != c.want[west] {
			t.Errorf("%+v: %v", c.dns, got)
		}
	}
}
