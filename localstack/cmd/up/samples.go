package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/events"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/localstack/local"
	"example.com/unbroken/localstack/receiver"
)

// landWithin is how long the samples may take: a cold start of every function on a slow machine, and room.
const landWithin = 90 * time.Second

// sample is one file of events/examples, made new for this run: a second run must not be taken for a repetition
// of the first.
type sample struct {
	name, id, source string
	event            []byte
}

func readSamples(run string) ([]sample, error) {
	paths, err := fs.Glob(events.FS, "examples/*.json")
	if err != nil {
		return nil, fmt.Errorf("samples: %w", err)
	}
	slices.Sort(paths)
	var out []sample
	for _, path := range paths {
		raw, err := fs.ReadFile(events.FS, path)
		if err != nil {
			return nil, fmt.Errorf("samples: %w", err)
		}
		var e map[string]any
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		id := fmt.Sprintf("%v-%s", e["id"], run)
		e["id"] = id
		delete(e, "time") // accepted now
		if raw, err = json.Marshal(e); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out = append(out, sample{name: strings.TrimSuffix(filepath.Base(path), ".json"), id: id, source: fmt.Sprint(e["source"]), event: raw})
	}
	return out, nil
}

// samples sends every sample with the command a person would type, waits until what the rules ask for has
// landed, and shows each one's way.
func samples(ctx context.Context, site *local.Site, f flags, cfg *loop.Config, say *progress) error {
	ctx, cancel := context.WithTimeout(ctx, landWithin)
	defer cancel()
	list, err := readSamples(time.Now().UTC().Format("150405.000"))
	if err != nil {
		return err
	}
	recv := receiver.Client{URL: site.ReceiverURL}
	before, err := recv.Deliveries(ctx, 0, "")
	if err != nil {
		return err
	}
	first := cfg.Regions.Loop[0]
	other := cfg.Regions.Loop[len(cfg.Regions.Loop)-1]
	_, _ = fmt.Fprintf(say.out, "\nSending %d signals to %s\n", len(list), first)
	for _, s := range list {
		_, _ = fmt.Fprintf(say.out, "\n$ unbroken send --region %s events/examples/%s.json\n", first, s.name)
		if err := unbroken(ctx, site, f, s.event, say.out, "send", "--region", first, "-"); err != nil {
			return err
		}
	}
	say.begin("waiting for the decisions and their effects")
	deliveries, err := landed(ctx, site, before.Next, 2)
	say.end(err)
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		_, _ = fmt.Fprintf(say.out, "    delivered %s %s  webhook-id %.12s…  signature verified: %s\n", d.Method, d.Path, d.WebhookID, d.Verified)
	}
	for _, s := range list {
		_, _ = fmt.Fprintf(say.out, "\n$ unbroken trace %s --source %s\n", s.id, s.source)
		if err := unbroken(ctx, site, f, nil, say.out, "trace", s.id, "--source", s.source); err != nil {
			return err
		}
	}
	for _, key := range []string{"rollback/shop/checkout", "shed/shop/checkout"} {
		_, _ = fmt.Fprintf(say.out, "\n$ unbroken outputs %s --region %s    # written in %s\n", key, other, first)
		if err := until(ctx, func() error {
			var out bytes.Buffer
			err := unbroken(ctx, site, f, nil, &out, "outputs", key, "--region", other)
			if err == nil && strings.HasPrefix(key, "shed/") && !strings.Contains(out.String(), "none") {
				err = fmt.Errorf("the recovery has not undone %s yet", key)
			}
			if err == nil {
				_, _ = io.WriteString(say.out, out.String())
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// unbroken runs the command line against the local world, as the shell line above its output says.
func unbroken(ctx context.Context, site *local.Site, f flags, in []byte, out io.Writer, args ...string) error {
	args = append([]string{"--config", f.Loop}, args...)
	cmd := exec.CommandContext(ctx, filepath.Join(site.Dir, "bin", "unbroken"), args...) //nolint:gosec // our own binary
	cmd.Env = append(os.Environ(), site.Env()...)
	cmd.Stdin, cmd.Stdout = bytes.NewReader(in), out
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("unbroken %s: %w\n%s", strings.Join(args, " "), err, complaint.String())
	}
	return nil
}

// landed waits for n verified deliveries.
func landed(ctx context.Context, site *local.Site, since uint64, n int) ([]receiver.Delivery, error) {
	recv := receiver.Client{URL: site.ReceiverURL}
	var got []receiver.Delivery
	err := until(ctx, func() error {
		report, err := recv.Deliveries(ctx, since, "")
		if err != nil {
			return err
		}
		if got = report.Deliveries; len(got) < n {
			return fmt.Errorf("%d of %d webhooks delivered; see .local/ for the emulator's log", len(got), n)
		}
		for _, d := range got {
			if d.Verified != "yes" {
				return fmt.Errorf("delivery to %s: signature %s", d.Path, d.Verified)
			}
		}
		return nil
	})
	return got, err
}

func until(ctx context.Context, ok func() error) error {
	for {
		err := ok()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("not within %s", landWithin), err)
		case <-time.After(300 * time.Millisecond):
		}
	}
}
