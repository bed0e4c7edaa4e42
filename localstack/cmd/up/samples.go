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
// landed, and shows each one's way. The last one, the recovery, is sent once the failure has been answered: what is not
// done yet when its reason is gone is not done at all, and there would be nothing to see.
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
	show := shown{site, f, cfg.Regions.Loop[0], cfg.Regions.Loop[len(cfg.Regions.Loop)-1], say}
	failure, recovery := list[:len(list)-1], list[len(list)-1:]
	_, _ = fmt.Fprintf(say.out, "\nSending %d signals to %s\n", len(failure), show.first)
	if err := show.send(ctx, failure); err != nil {
		return err
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
	if err := show.trace(ctx, failure); err != nil {
		return err
	}
	if err := errors.Join(show.output(ctx, "rollback/shop/checkout", ""), show.output(ctx, "shed/shop/checkout", "high")); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(say.out, "\nThe service recovers\n")
	if err := show.send(ctx, recovery); err != nil {
		return err
	}
	if err := show.output(ctx, "shed/shop/checkout", "none"); err != nil {
		return err
	}
	return show.trace(ctx, recovery)
}

// shown runs commands and shows them with what they print.
type shown struct {
	site         *local.Site
	f            flags
	first, other string // the region that is sent to, and the one that is asked
	say          *progress
}

func (s shown) send(ctx context.Context, list []sample) error {
	for _, one := range list {
		_, _ = fmt.Fprintf(s.say.out, "\n$ unbroken send --region %s events/examples/%s.json\n", s.first, one.name)
		if err := unbroken(ctx, s.site, s.f, one.event, s.say.out, "send", "--region", s.first, "-"); err != nil {
			return err
		}
	}
	return nil
}

func (s shown) trace(ctx context.Context, list []sample) error {
	for _, one := range list {
		_, _ = fmt.Fprintf(s.say.out, "\n$ unbroken trace %s --source %s\n", one.id, one.source)
		if err := unbroken(ctx, s.site, s.f, nil, s.say.out, "trace", one.id, "--source", one.source); err != nil {
			return err
		}
	}
	return nil
}

// output waits until the other region answers with an output that holds want.
func (s shown) output(ctx context.Context, key, want string) error {
	_, _ = fmt.Fprintf(s.say.out, "\n$ unbroken outputs %s --region %s    # written in %s\n", key, s.other, s.first)
	return until(ctx, func() error {
		var out bytes.Buffer
		if err := unbroken(ctx, s.site, s.f, nil, &out, "outputs", key, "--region", s.other); err != nil {
			return err
		}
		if !strings.Contains(out.String(), want) {
			return fmt.Errorf("%s does not say %q yet", key, want)
		}
		_, _ = io.WriteString(s.say.out, out.String())
		return nil
	})
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
	var why error
	for {
		err := ok()
		if err == nil {
			return nil
		}
		if why == nil || ctx.Err() == nil { // a look that the end of the time cut off shows nothing
			why = err
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("not within %s", landWithin), why)
		case <-time.After(300 * time.Millisecond):
		}
	}
}
