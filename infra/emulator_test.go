package main

import (
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

// What -c emulator=1 may leave out, and the properties it may change, by type. All else must be the same, or
// what is tried locally is not what is deployed.
var (
	leftOut = map[string]bool{"AWS::Route53::HealthCheck": true}
	changed = map[string][]string{
		"AWS::Lambda::Function":      {"Architectures", "UNBROKEN_ENDPOINT"}, // the host's; where its API answers
		"AWS::DynamoDB::GlobalTable": {"DeletionProtectionEnabled"},
		"AWS::Route53::RecordSet":    {"HealthCheckId"},
	}
)

func TestEmulatorDiffersOnlyWhereItMust(t *testing.T) {
	for stack, onAWS := range made.pair.stacks {
		local := made.emulated.stacks[stack]
		for id, r := range onAWS.Resources {
			l, ok := local.Resources[id]
			if !ok {
				if !leftOut[r.Type] {
					t.Errorf("%s: the emulator goes without %s %s", stack, r.Type, id)
				}
				continue
			}
			if want, got := without(r.Properties, changed[r.Type]), without(l.Properties, changed[r.Type]); !reflect.DeepEqual(want, got) {
				t.Errorf("%s %s differs:\n%v\n%v", stack, id, want, got)
			}
		}
		for id, l := range local.Resources {
			if leftOut[l.Type] {
				t.Errorf("%s: the emulator rejects the stack for its %s %s", stack, l.Type, id)
			}
			if _, ok := onAWS.Resources[id]; !ok {
				t.Errorf("%s: only the emulator has %s %s", stack, l.Type, id)
			}
		}
	}
}

// without copies a value, leaving the keys out at every depth.
func without(v any, keys []string) any {
	switch v := v.(type) {
	case map[string]any:
		kept := map[string]any{}
		for k, inner := range v {
			if !slices.Contains(keys, k) {
				kept[k] = without(inner, keys)
			}
		}
		return kept
	case []any:
		var kept []any
		for _, inner := range v {
			kept = append(kept, without(inner, keys))
		}
		return kept
	}
	return v
}

func TestRefusesWhatCouldNotWork(t *testing.T) {
	pair := loop.Regions{Loop: []string{"a", "b"}, Witness: "c"}
	for name, c := range map[string]struct {
		regions loop.Regions
		opt     Options
	}{
		"two regions without a witness":     {loop.Regions{Loop: []string{"a", "b"}}, Options{}},
		"one region and a witness":          {loop.Regions{Loop: []string{"a"}, Witness: "b"}, Options{}},
		"three regions and a witness":       {loop.Regions{Loop: []string{"a", "b", "c"}, Witness: "d"}, Options{}},
		"a region named twice":              {loop.Regions{Loop: []string{"a", "b"}, Witness: "a"}, Options{}},
		"no region":                         {loop.Regions{}, Options{}},
		"a domain without its zone":         {pair, Options{Domain: "loop.example.com"}},
		"an endpoint without the API's id":  {pair, Options{APIEndpoint: "http://127.0.0.1:4566/"}},
		"a mapping wider than its function": {pair, Options{MaxConcurrency: 50, ReservedConcurrency: 10}},
		"an operator that is everyone":      {pair, Options{Operators: []string{"arn:aws:iam::123456789012:role/*"}}},
		"a source that is not an ARN":       {pair, Options{InboxSources: []string{"shop"}}},
	} {
		t.Run(name, func(t *testing.T) {
			app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir())})
			if err := Loop(app, config(c.regions), c.opt); err == nil {
				t.Error("was accepted")
			}
		})
	}
}
