package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

// The tests read what a synth wrote, as plain JSON. Everything is synthesized once: starting jsii takes
// seconds, and the templates do not change.

// assembly is one synth: a template by stack name, and cdk-nag's findings.
type assembly struct {
	stacks   map[string]template
	findings []string
}

type template struct {
	Resources map[string]resource
	Outputs   map[string]any
}

type resource struct {
	Type           string
	Properties     map[string]any
	DeletionPolicy string
}

var made struct{ pair, unnamed, emulated, three, single, targets, archived assembly }

func TestMain(m *testing.M) {
	code, err := synthAndRun(m)
	jsii.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func synthAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "infra")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	pair := loop.Regions{Loop: []string{"us-east-2", "us-west-2"}, Witness: "us-east-1"}
	three := loop.Regions{Loop: []string{"eu-west-1", "eu-central-1", "eu-west-2"}}
	single := loop.Regions{Loop: []string{"us-east-2"}}
	named := Options{Domain: "loop.example.com", HostedZone: "Z0EXAMPLE", Operators: []string{operator}}
	local := named
	local.Emulator, local.APIEndpoint = true, "http://127.0.0.1:4566/_aws/execute-api/{id}/$default"
	open := Options{
		InboxSources:  []string{"arn:aws:sns:us-east-2:123456789012:shop"},
		InboxAccounts: []string{"210987654321"}, ReservedConcurrency: 60, Untraced: true,
	}

	for _, s := range []struct {
		into    *assembly
		regions loop.Regions
		opt     Options
	}{{&made.pair, pair, named}, {&made.unnamed, pair, Options{}}, {&made.emulated, pair, local}, {&made.three, three, Options{}}, {&made.single, single, open}} {
		if *s.into, err = synth(dir, s.regions, s.opt); err != nil {
			return 1, err
		}
	}
	cfg := config(pair)
	maps.Copy(cfg.Actions, targets())
	cfg.Inputs = inputs()
	cfg.Rules = []loop.Rule{{ID: "r", Guard: loop.Guard{MaxRegressions: 1}, InhibitedBy: []loop.Inhibitor{{Rule: "down"}}}}
	cfg.Rules = append(cfg.Rules, loop.Rule{ID: "ill", Match: map[string][]any{"type": {loop.TypeRegionDrained}}}) // observers tell
	if made.targets, err = synthOf(dir, cfg, named); err != nil {
		return 1, err
	}
	kept := config(pair)
	kept.Inputs = map[string]loop.Input{
		"default": {Kind: loop.KindHTTP, Archive: true, ExpectEvery: loop.Duration(time.Minute), Standby: "load"}, "inbox": {Kind: loop.KindQueue},
		"page": {Kind: loop.KindPoll, Every: loop.Duration(time.Minute), URL: "https://status.example.com/", Secret: "ssm:/ub/status"},
		"load": {Kind: loop.KindPoll, Every: loop.Duration(time.Minute), Source: "cloudwatch/prod"},
	}
	if made.archived, err = synthOf(dir, kept, named); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

const operator = "arn:aws:iam::123456789012:role/oncall"

// config has an action slower than the rest, and two that share a secret. Where there is one region only, no producer
// sends to it.
func config(regions loop.Regions) *loop.Config {
	cfg := &loop.Config{Prefix: "ub", Regions: regions, Actions: map[string]loop.Action{
		"page": {To: loop.TargetWebhook, Secret: "ssm:/ub/page", Timeout: loop.Duration(5 * time.Second)},
		"lead": {To: loop.TargetWebhook, Secret: "ssm:/ub/page", Timeout: loop.Duration(14 * time.Second)},
		"note": {To: loop.TargetOutput},
	}}
	if len(regions.Loop) > 1 {
		cfg.Inputs = map[string]loop.Input{"default": {Kind: loop.KindHTTP}, "inbox": {Kind: loop.KindQueue}}
	}
	return cfg
}

func synth(dir string, regions loop.Regions, opt Options) (assembly, error) {
	return synthOf(dir, config(regions), opt)
}

func synthOf(dir string, cfg *loop.Config, opt Options) (assembly, error) {
	opt.Dist = filepath.Join(dir, "dist")
	for _, name := range append(chainFunctions(), loop.FuncObserver, loop.FuncCanary, loop.FuncSalvage, loop.FuncSweeper, loop.FuncIngestAlarm, loop.FuncIngestPoll, loop.FuncArchive) {
		if err := os.MkdirAll(filepath.Join(opt.Dist, name), 0o755); err != nil {
			return assembly{}, err
		}
		if err := os.WriteFile(filepath.Join(opt.Dist, name, "bootstrap"), []byte("#!/bin/sh\n"), 0o755); err != nil {
			return assembly{}, err
		}
	}
	out, err := os.MkdirTemp(dir, "out")
	if err != nil {
		return assembly{}, err
	}
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(out), AnalyticsReporting: jsii.Bool(false)})
	if err := Loop(app, cfg, opt); err != nil {
		return assembly{}, err
	}
	app.Synth(nil)
	return read(out)
}

func read(out string) (assembly, error) {
	a := assembly{stacks: map[string]template{}}
	files, err := filepath.Glob(filepath.Join(out, "*.json"))
	if err != nil {
		return a, err
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return a, err
		}
		base := filepath.Base(file)
		switch {
		case strings.HasSuffix(base, ".template.json"):
			var t template
			if err := json.Unmarshal(b, &t); err != nil {
				return a, fmt.Errorf("%s: %w", base, err)
			}
			a.stacks[strings.TrimSuffix(base, ".template.json")] = t
		default: // annotations stand in the manifest, the metadata or the report, depending on CDK's version
			for _, part := range strings.Split(string(b), `"`) {
				if strings.Contains(part, "AwsSolutions-") || strings.Contains(part, "CdkNagValidationFailure") {
					a.findings = append(a.findings, base+": "+part)
				}
			}
		}
	}
	return a, nil
}

// each calls f for every resource of a type in every stack of the assembly.
func (a assembly) each(typ string, f func(stack, id string, r resource)) {
	for name, t := range a.stacks {
		for id, r := range t.Resources {
			if r.Type == typ {
				f(name, id, r)
			}
		}
	}
}

// loopStacks are the assembly's stacks with queues.
func (a assembly) loopStacks() map[string]template {
	stacks := map[string]template{}
	a.each("AWS::SQS::Queue", func(stack, _ string, _ resource) { stacks[stack] = a.stacks[stack] })
	return stacks
}

// get walks maps by key; nil where a step is missing.
func get(v any, path ...string) any {
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// list makes one value and many alike, as IAM does.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// text writes a value with its references resolved as far as they can be: ARNs become readable.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if ref, ok := v["Ref"].(string); ok {
			return map[string]string{"AWS::AccountId": "123456789012", "AWS::Partition": "aws"}[ref] + map[bool]string{true: "", false: "${" + ref + "}"}[strings.HasPrefix(ref, "AWS::")]
		}
		if join := list(v["Fn::Join"]); len(join) == 2 {
			var b strings.Builder
			for _, part := range list(join[1]) {
				b.WriteString(text(part))
			}
			return b.String()
		}
		if at := list(v["Fn::GetAtt"]); len(at) == 2 {
			return "${" + fmt.Sprint(at[0]) + "}"
		}
	}
	return fmt.Sprint(v)
}
