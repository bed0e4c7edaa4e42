package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/unbroken/internal/app/gauge"
	"example.com/unbroken/internal/app/meter"
	"example.com/unbroken/internal/app/secrets"
	"example.com/unbroken/internal/app/targets"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/schema"
)

// packed is a bundle file of the loop.yaml given.
func packed(t *testing.T, yaml string) string {
	t.Helper()
	cfg, err := rule.Parse("loop.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	b, err := rule.Pack(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, b)
}

func file(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const pair = `
prefix: ub
regions: {loop: [us-east-2, us-west-2], witness: us-east-1}
inputs: {default: {kind: http, durability: mirrored}, inbox: {kind: queue, durability: regional}, alarms: {kind: alarm}, load: {kind: poll, source: cw, metrics: [{name: a, namespace: AWS/SQS, metric: m, stat: Sum}]}}
rules: [{id: r, match: {type: [t]}, do: [{step: s, action: note}]}]
actions: {note: {to: output, output: "k"}}
`

func started(t *testing.T, region string) *base {
	t.Helper()
	b, err := start(t.Context(), Environment{Region: region, Bundle: packed(t, pair)}, "f")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A function that does not start must say in its one line what is to be done.
func TestAFunctionThatCannotStartSaysWhatToDo(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(packed(t, pair))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env    Environment
		is     error
		advice string
	}{
		"no bundle":         {Environment{Region: "us-east-2", Bundle: filepath.Join(t.TempDir(), "bundle.json")}, fs.ErrNotExist, "make bundle"},
		"not JSON":          {Environment{Region: "us-east-2", Bundle: file(t, []byte("PK"))}, rule.ErrBundleCorrupt, "unbroken bundle"},
		"cut off":           {Environment{Region: "us-east-2", Bundle: file(t, good[:len(good)/2])}, rule.ErrBundleCorrupt, "unbroken bundle"},
		"tampered with":     {Environment{Region: "us-east-2", Bundle: file(t, []byte(strings.Replace(string(good), `"ub"`, `"uc"`, 1)))}, rule.ErrBundleCorrupt, "unbroken bundle"},
		"of a newer format": {Environment{Region: "us-east-2", Bundle: file(t, []byte(strings.Replace(string(good), `"format":`, `"format":9`, 1)))}, rule.ErrBundleFormat, "update"},
		"a foreign region":  {Environment{Region: "eu-west-1", Bundle: packed(t, pair)}, nil, "same loop.yaml"},
		"no region":         {Environment{Bundle: packed(t, pair)}, nil, "AWS_REGION"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := start(t.Context(), c.env, "f")
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.advice) {
				t.Errorf("got %v, want %v and %q", err, c.is, c.advice)
			}
		})
	}
}

func TestEveryConstructorReportsThatItCannotStart(t *testing.T) {
	t.Parallel()
	env := Environment{Region: "us-east-2", Bundle: filepath.Join(t.TempDir(), "none")}
	for name, construct := range map[string]func(context.Context) error{
		"ingest-http": func(ctx context.Context) error {
			_, err := IngestHTTP(ctx, env, secrets.New, schema.Compile)
			return err
		},
		"ingest-queue": func(ctx context.Context) error { _, err := IngestQueue(ctx, env, schema.Compile); return err },
		"ingest-poll": func(ctx context.Context) error {
			_, err := IngestPoll(ctx, env, meter.New, meter.Endpoints, schema.Compile)
			return err
		},
		"ingest-alarm": func(ctx context.Context) error { _, err := IngestAlarm(ctx, env); return err },
		"decide":       func(ctx context.Context) error { _, err := Decide(ctx, env); return err },
		"act":          func(ctx context.Context) error { _, err := Act(ctx, env, targets.All); return err },
		"outputs":      func(ctx context.Context) error { _, err := Outputs(ctx, env); return err },
		"observer": func(ctx context.Context) error {
			_, err := Observer(ctx, env, CloudWatch{gauge.New, gauge.NewMetrics})
			return err
		},
	} {
		if err := construct(t.Context()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryConstructorStartsWithoutAWS(t *testing.T) {
	t.Parallel()
	env := Environment{Region: "us-east-2", Bundle: packed(t, pair)}
	for name, construct := range map[string]func(context.Context) (any, error){
		"ingest-http": func(ctx context.Context) (any, error) {
			h, err := IngestHTTP(ctx, env, secrets.New, schema.Compile)
			return h, err
		},
		"ingest-queue": func(ctx context.Context) (any, error) { h, err := IngestQueue(ctx, env, schema.Compile); return h, err },
		"ingest-poll": func(ctx context.Context) (any, error) {
			h, err := IngestPoll(ctx, env, meter.New, meter.Endpoints, schema.Compile)
			return h, err
		},
		"ingest-alarm": func(ctx context.Context) (any, error) { h, err := IngestAlarm(ctx, env); return h, err },
		"decide":       func(ctx context.Context) (any, error) { h, err := Decide(ctx, env); return h, err },
		"act":          func(ctx context.Context) (any, error) { h, err := Act(ctx, env, targets.All); return h, err },
		"outputs":      func(ctx context.Context) (any, error) { h, err := Outputs(ctx, env); return h, err },
		"observer": func(ctx context.Context) (any, error) {
			h, err := Observer(ctx, env, CloudWatch{gauge.New, gauge.NewMetrics})
			return h, err
		},
	} {
		if h, err := construct(t.Context()); err != nil || h == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnInboxNeedsAnInputOfItsKind(t *testing.T) {
	t.Parallel()
	without := strings.Replace(pair, ", inbox: {kind: queue, durability: regional}", "", 1)
	if _, err := IngestAlarm(t.Context(), Environment{Region: "us-east-2", Bundle: packed(t, strings.Replace(pair, ", alarms: {kind: alarm}", "", 1))}); err == nil || !strings.Contains(err.Error(), "alarm") {
		t.Errorf("%v", err)
	}
	if _, err := IngestQueue(t.Context(), Environment{Region: "us-east-2", Bundle: packed(t, without)}, schema.Compile); err == nil || !strings.Contains(err.Error(), "queue") {
		t.Errorf("%v", err)
	}
}

// What telemetry calls short of copies must be what ingest tries to store.
func TestCopiesOfAnInput(t *testing.T) {
	t.Parallel()
	b := started(t, "us-east-2")
	if b.copies("default") != 2 || b.copies("inbox") != 1 || b.peer() != "us-west-2" {
		t.Errorf("mirrored %d, regional %d, peer %s", b.copies("default"), b.copies("inbox"), b.peer())
	}
	alone := Environment{Region: "us-east-2", Bundle: packed(t, strings.Replace(pair, "loop: [us-east-2, us-west-2], witness: us-east-1", "loop: [us-east-2]", 1))}
	lone, err := start(t.Context(), alone, "f")
	if err != nil {
		t.Fatal(err)
	}
	if lone.copies("default") != 1 || lone.peer() != "" {
		t.Errorf("a lone region wants %d copies and has the peer %q", lone.copies("default"), lone.peer())
	}
}

func TestTheWitnessMayStart(t *testing.T) {
	t.Parallel()
	if b := started(t, "us-east-1"); b.peer() != "" {
		t.Errorf("the witness has the peer %q", b.peer())
	}
}

func TestOwnersAreNeverTheSame(t *testing.T) {
	t.Parallel()
	next := owner("us-east-2")
	a, b := next(), next()
	if a == b || !strings.HasPrefix(a, "us-east-2/") || len(a) < len("us-east-2/")+24 {
		t.Errorf("%s and %s", a, b)
	}
}
