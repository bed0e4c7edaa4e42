package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Deployment says what to deploy. Relative paths start at the Site's Dir.
type Deployment struct {
	Regions []string          // all of them, the witness included: each is bootstrapped
	App     string            // what cdk runs to synthesise; bin/infra if empty
	Context map[string]string // -c key=value for cdk, such as emulator=1, loop=…, dist=…
	Outputs string            // where stack outputs go; .local/outputs.json if empty
	CDK     string            // localstack/node_modules/.bin/cdk if empty
}

// Deploy bootstraps the regions that are not yet and deploys all stacks, with the real cdk:
// what is deployed here is the template that AWS gets.
func (s *Site) Deploy(ctx context.Context, d Deployment) error {
	d.complete(s)
	cdk := s.path(d.CDK)
	if _, err := os.Stat(cdk); err != nil {
		return fmt.Errorf("no cdk at %s: run `make tools`", cdk)
	}
	if err := os.MkdirAll(s.path(".local"), 0o700); err != nil {
		return fmt.Errorf("deploy: %w", err)
	}
	// Synthesis takes seconds of one core and bootstrap mostly waits: they run side by side.
	out := filepath.Join(filepath.Dir(s.path(d.Outputs)), "cdk.out")
	g, both := errgroup.WithContext(ctx)
	g.Go(func() error { return s.bootstrap(both, cdk, d.Regions) })
	if is, err := os.Stat(s.path(d.App)); err == nil && is.IsDir() {
		out = s.path(d.App) // synthesised already
	} else {
		args := []string{"synth", "--quiet", "--app", d.App, "--output", out}
		for _, key := range sortedKeys(d.Context) {
			args = append(args, "-c", key+"="+d.Context[key])
		}
		g.Go(func() error { return s.cdk(both, cdk, args...) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.cdk(ctx, cdk, "deploy", "--all", "--app", out,
		"--require-approval", "never", "--progress", "events",
		// A change set is for people to read, and nobody reads here.
		"--method", "direct", "--concurrency", "3", "--asset-parallelism",
		"--outputs-file", s.path(d.Outputs))
}

// bootstrap makes the regions ready for cdk that are not. A region's takes three seconds.
func (s *Site) bootstrap(ctx context.Context, cdk string, regions []string) error {
	args := []string{"bootstrap"}
	for _, region := range regions {
		if !s.stackExists(ctx, region, "CDKToolkit") {
			args = append(args, "aws://"+Account+"/"+region)
		}
	}
	if len(args) == 1 {
		return nil
	}
	return s.cdk(ctx, cdk, args...)
}

func (d *Deployment) complete(s *Site) {
	d.Context = maps.Clone(d.Context)
	if d.Context == nil {
		d.Context = map[string]string{}
	}
	// Where the emulator's APIs answer; infra puts it into outputs and the observers' probes.
	if _, ok := d.Context["apiEndpoint"]; !ok {
		d.Context["apiEndpoint"] = s.APIURL("{id}")
	}
	// The emulator is one thread. Of 50 invocations at once on each queue, each would wait longer than a claim lasts.
	if _, ok := d.Context["maxConcurrency"]; !ok {
		d.Context["maxConcurrency"] = "4"
	}
	if d.App == "" {
		d.App = "bin/infra"
	}
	if d.Outputs == "" {
		d.Outputs = ".local/outputs.json"
	}
	if d.CDK == "" {
		d.CDK = "localstack/node_modules/.bin/cdk"
	}
}

func (s *Site) cdk(ctx context.Context, program string, args ...string) error {
	args = append(args, "--no-notices", "--no-color", "--no-version-reporting")
	cmd := exec.Command(program, args...) //nolint:gosec // the path is ours
	cmd.Dir = s.Dir
	cmd.Env = slices.Concat(baseEnv(), s.Env(), []string{
		"CI=1", // plain lines on stdout
		"CDK_DISABLE_VERSION_CHECK=1",
		"CDK_DISABLE_CLI_TELEMETRY=true",
		"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20",
		"NODE_NO_WARNINGS=1",
	})
	p, err := startProcess(cmd, s.log())
	if err != nil {
		return fmt.Errorf("cdk %s: %w", args[0], err)
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("cdk %s: %w", args[0], context.Cause(ctx)), p.end())
	}
	if p.err != nil {
		return fmt.Errorf("cdk %s failed (%w); its last words:\n%s", args[0], p.err, p.tail.String())
	}
	return nil
}

// path resolves what is relative against the repository.
func (s *Site) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(s.Dir, filepath.FromSlash(p))
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}
