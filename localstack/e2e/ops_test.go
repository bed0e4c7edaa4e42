//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

// asked runs the command line as unbroken does, for an exit code that may be another than 0, and decodes its JSON.
func asked(ctx context.Context, out any, args ...string) (exit int, err error) {
	cmd := exec.CommandContext(ctx, filepath.Join(suite.Dir, "bin", "unbroken"), append(args, "--json", "-c", filepath.Join(suite.dir, "loop.yaml"))...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+suite.EdgeURL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		return -1, fmt.Errorf("%w: run `make build`", err)
	}
	if err := json.Unmarshal(stdout, out); err != nil {
		return -1, fmt.Errorf("unbroken %s: exit %d, %w: %s%s", strings.Join(args, " "), cmd.ProcessState.ExitCode(), err, stdout, stderr.String())
	}
	return cmd.ProcessState.ExitCode(), nil
}

func TestAParkedEffectIsRetriedByAPerson(t *testing.T) {
	s := signals(t, "com.example.picky", 1)
	effect := loop.EffectID(loop.SignalDecisionID(s[0].Key(), "picky"), "hook")
	send(t, east, "default", s...)
	type listed struct {
		Parked []struct{ EffectID, Evidence string }
	}
	until(t, time.Minute, func(ctx context.Context) error {
		var l listed
		if _, err := asked(ctx, &l, "parked", "list", "--rule", "picky"); err != nil {
			return err
		}
		if len(l.Parked) != 1 || l.Parked[0].EffectID != effect || !strings.Contains(l.Parked[0].Evidence, "400") {
			return fmt.Errorf("parked: %+v", l)
		}
		return nil
	})
	// Twice, as if the first run had died: whether the second one finds it claimed or done, it does no harm.
	for range 2 {
		var done any
		if _, err := asked(t.Context(), &done, "parked", "retry", effect, "--why", "the suite"); err != nil {
			t.Fatal(err)
		}
	}
	until(t, time.Minute, func(ctx context.Context) error {
		var c loop.Claim
		if _, err := asked(ctx, &c, "parked", "show", effect); err != nil {
			return err
		}
		if c.Status != loop.StatusDone || len(c.Audit) != 1 || c.Audit[0].By == "" {
			return fmt.Errorf("it is %s, audit %+v", c.Status, c.Audit)
		}
		return nil
	})
	drained(t, 60*time.Second, east, west)
	counts, err := received(t.Context(), "/fail/400/"+t.Name())
	if err != nil {
		t.Fatal(err)
	}
	single(t, effect, counts[effect]-1) // the refused one aside
}

func TestADeadLetterIsRedrivenAndComesBackOnce(t *testing.T) {
	s := signals(t, "com.example.notify", 1)
	s[0].Data = json.RawMessage(`{"value": "not a number"}`)
	send(t, east, "default", s...)
	drained(t, 60*time.Second, east, west) // the standby copy too: a dead letter in either region
	var r struct {
		Regions []struct {
			Region             string
			Found, Moved, Left int
			How                string
			Sample             []struct{ Quarantine loop.Quarantine }
		}
	}
	exit, err := asked(t.Context(), &r, "redrive", "signals", "--dry-run")
	if err != nil || exit != 0 || len(r.Regions) != 2 {
		t.Fatalf("exit %d, %v", exit, err)
	}
	for _, region := range r.Regions {
		if region.Found == 0 || region.Moved != 0 || region.Sample[0].Quarantine.Rule != "notify" {
			t.Errorf("dry run: %+v", region)
		}
	}
	r.Regions = nil
	if exit, err = asked(t.Context(), &r, "redrive", "signals"); err != nil || exit != 0 {
		t.Fatalf("exit %d, %v", exit, err)
	}
	for _, region := range r.Regions {
		if region.Moved == 0 || region.How != "here" {
			t.Errorf("redriven: %+v", region)
		}
	}
	// The rule is as broken as before: each comes back as one letter, and none goes round.
	drained(t, 60*time.Second, east, west)
	before := r.Regions
	r.Regions = nil
	if _, err := asked(t.Context(), &r, "redrive", "signals", "--dry-run"); err != nil {
		t.Fatal(err)
	}
	for i, region := range r.Regions {
		if region.Found != before[i].Moved {
			t.Errorf("%s: %d letters after %d were redriven", region.Region, region.Found, before[i].Moved)
		}
	}
}

func TestTheSweeperReportsToBalance(t *testing.T) {
	if err := suite.Invoke(t.Context(), east, loop.Name(prefix, loop.FuncSweeper)); err != nil {
		t.Fatal(err)
	}
	var b struct {
		Sweeps []struct {
			Region                string
			Scanned, OverdueCount int
		}
		Ledger struct {
			Missing []any
		}
	}
	if _, err := asked(t.Context(), &b, "balance"); err != nil {
		t.Fatal(err)
	}
	if len(b.Sweeps) == 0 || b.Sweeps[0].Region != east || b.Sweeps[0].OverdueCount != 0 || len(b.Ledger.Missing) != 0 {
		t.Errorf("books: %+v", b)
	}
}
