package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/backtest"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

type replayCmd struct {
	sendFlags

	File    string `arg:"" help:"CSV with the columns timestamp,value, plain or gzip; - for stdin. Or s3://bucket/prefix of an archive: its signals are sent again as they were."`
	As      string `placeholder:"TYPE" help:"The signals' type; needed for a CSV."`
	Source  string `placeholder:"SOURCE" help:"The signals' source (default: replay/FILE without its ending)."`
	Subject string `placeholder:"SUBJECT" help:"What the signals are about (default: FILE without its ending)."`
	Speed   string `default:"max" help:"1 is real time, 60 an hour in a minute; max or 0 does not wait."`
	Field   string `default:"value" help:"The value's name in data, and of its column where the file has a header."`
	Batch   int    `default:"100" help:"Signals that go together at most."`
	InOrder bool   `help:"Wait until a batch is decided before the next is sent: for rules with windows. To one region."`
}

// Help implements kong.HelpProvider.
func (replayCmd) Help() string {
	return `Every row becomes a signal with the row's own time (UTC where it names no zone), the data {"value": x} and an id made
of source, subject and time: a file replayed twice is one series. The input must take old times (max_skew: none).
Signals reach the rules out of order at high speed; rules with windows decide as in real life only with --in-order,
which waits for the signals queue to run empty after every batch. An archive's signals keep their ids: what has been
decided already is not done again.

  unbroken replay cpu.csv --as com.example.cpu --subject i-0123 --input replay --in-order --batch 400
  unbroken replay cpu.csv --as com.example.cpu --speed 300 --hedge
  unbroken replay s3://shop-archive-123456789012-us-east-2/archive/us-east-2/default/2026/03/04/ --input replay --in-order
  unbroken replay latency.csv --as com.example.metric --source shop/api --field latency_ms --speed max`
}

// replayed is the outcome of a replay; the results of single rows would be as long as the file.
type replayed struct {
	Rows     int             `json:"rows"`
	Copies   int             `json:"copies"` // rows that repeat a time
	Accepted int             `json:"accepted"`
	Refused  int             `json:"refused"`
	Open     int             `json:"open"`
	Requests int             `json:"requests"`
	Hedged   int             `json:"hedged"`
	From     time.Time       `json:"from,omitzero"`
	To       time.Time       `json:"to,omitzero"`
	Hint     string          `json:"hint,omitempty"`
	Failed   []client.Result `json:"failed,omitempty"` // the first of them

	report client.Report
}

// maxFailed is how many rows that were not accepted are kept as examples.
const maxFailed = 20

// Run implements the command.
func (c replayCmd) Run(ctx context.Context, g *globals, w *world) error {
	speed, err := parseSpeed(c.Speed)
	if err != nil {
		return fail(exitUsage, err)
	}
	if c.Batch < 1 || c.Batch > loop.MaxBatchEvents {
		return fail(exitUsage, fmt.Errorf("--batch must be 1 to %d", loop.MaxBatchEvents))
	}
	if c.InOrder && c.Hedge {
		return fail(exitUsage, errors.New("--in-order takes one region and --hedge a second: give one of them"))
	}
	signals, copies, err := c.signals(ctx, g, w)
	if err != nil {
		return err
	}
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	region := g.regions(r.cfg)[0]
	if c.InOrder {
		g.Region = region
	}
	cl, err := c.client(ctx, g, w, r, client.Config{})
	if err != nil {
		return err
	}
	p := w.progress(g)
	out := replayed{Rows: len(signals), Copies: copies, From: signals[0].Time, To: signals[len(signals)-1].Time}
	pace := pacer{speed: speed, now: w.Now, wait: w.Wait}
	var broken error
	for from := 0; from < len(signals); {
		n, err := pace.due(ctx, signals[from:], c.Batch)
		if err != nil {
			break // interrupted: what was sent is reported
		}
		report, err := cl.Send(ctx, signals[from:from+n]...)
		if _, partial := errors.AsType[*client.NotAccepted](err); err != nil && !partial {
			return err
		}
		out.add(report)
		from += n
		if c.InOrder {
			if broken = settle(ctx, w, r.Queues, region); broken != nil {
				break // what was sent is reported all the same
			}
		}
		p.show(from, len(signals), "rows, at "+signals[from-1].Time.Format(time.DateTime))
	}
	p.end()
	if err := c.print(g, w, &out); broken == nil || ctx.Err() != nil {
		return err
	}
	return fail(exitNotAccepted, fmt.Errorf("cannot see whether %s has decided: %w", region, broken))
}

// settle returns once everything that was sent to a region is decided: nothing waits on its way to decide or is
// with it. The standby copies of others wait longer and do not count. SQS's own counts are approximate.
func settle(ctx context.Context, w *world, q queues, region string) error {
	for {
		busy := 0
		for _, name := range []string{loop.QueueInbox, loop.QueueSignals} {
			visible, inFlight, _, err := q.Depth(ctx, region, name)
			if err != nil {
				return err
			}
			busy += visible + inFlight
		}
		if busy == 0 {
			return nil
		}
		if err := w.Wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// signals are the rows of a CSV, or what an archive holds.
func (c *replayCmd) signals(ctx context.Context, g *globals, w *world) ([]client.Signal, int, error) {
	if strings.HasPrefix(c.File, inS3) {
		return c.again(ctx, g, w)
	}
	if c.As == "" {
		return nil, 0, fail(exitUsage, fmt.Errorf("%s is CSV: say with --as which type its signals have", c.File))
	}
	return c.read(w)
}

// again reads an archive: each signal once, in order of event time.
func (c *replayCmd) again(ctx context.Context, g *globals, w *world) (signals []client.Signal, copies int, err error) {
	files, err := g.archived(ctx, w, c.File)
	if err != nil {
		return nil, 0, err
	}
	stream, err := backtest.Merge(files)
	if err != nil {
		return nil, 0, err
	}
	seen := map[string]bool{}
	for {
		r, err := stream.Next()
		if errors.Is(err, io.EOF) && len(signals) == 0 {
			return nil, 0, fmt.Errorf("%s holds no signal", c.File)
		}
		if errors.Is(err, io.EOF) {
			return signals, copies, nil
		}
		if err != nil {
			return nil, 0, err
		}
		s, err := ingest.ParseEvent(r.Signal)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", c.File, err)
		}
		if seen[s.Key()] {
			copies++
			continue
		}
		seen[s.Key()] = true
		signals = append(signals, s)
	}
}

func (c *replayCmd) read(w *world) ([]client.Signal, int, error) {
	in, name := w.Stdin, "stdin"
	if c.File != "-" {
		f, err := os.Open(filepath.Clean(c.File))
		if err != nil {
			return nil, 0, fmt.Errorf("read the series: %w", err)
		}
		defer f.Close()
		in, name = f, strings.TrimSuffix(bareName(c.File), filepath.Ext(bareName(c.File)))
	}
	in, err := unpacked(in)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", c.File, err)
	}
	s := series{Type: c.As, Source: c.Source, Subject: c.Subject, Field: c.Field}
	if s.Source == "" {
		s.Source = "replay/" + url.PathEscape(name) // a source is a URI reference
	}
	if s.Subject == "" {
		s.Subject = name
	}
	s.open(in)
	var signals []client.Signal
	for {
		one, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", c.File, err)
		}
		signals = append(signals, one)
	}
	if len(signals) == 0 {
		return nil, 0, fmt.Errorf("%s has no row", c.File)
	}
	return signals, s.Copies, nil
}

func parseSpeed(text string) (float64, error) {
	if text == "max" {
		return 0, nil
	}
	speed, err := strconv.ParseFloat(text, 64)
	if err != nil || !(speed >= 0) || speed > 1e9 {
		return 0, fmt.Errorf("--speed %q: want max, 0, or how many times faster than real time", text)
	}
	return speed, nil
}

func (r *replayed) add(report client.Report) {
	r.report.Results = append(r.report.Results, report.Results...)
	r.report.Requests += report.Requests
	r.report.Hedged += report.Hedged
	for _, one := range report.Results {
		if one.State != client.Accepted && len(r.Failed) < maxFailed {
			r.Failed = append(r.Failed, one)
		}
	}
}

func (c *replayCmd) print(g *globals, w *world, r *replayed) error {
	r.Accepted, r.Refused, r.Open = r.report.Count(client.Accepted), r.report.Count(client.Refused), r.report.Count(client.Open)
	r.Requests, r.Hedged, r.Hint = r.report.Requests, r.report.Hedged, tooOld(r.Failed, c.Input)
	missing := r.Rows - r.Accepted
	if g.JSON {
		if err := printJSON(w.Stdout, r); err != nil || missing == 0 {
			return err
		}
		return fail(exitNotAccepted, errSilent)
	}
	_, _ = fmt.Fprintf(w.Stdout, "%s from %s to %s: %s\n", plural(r.Rows, "row"),
		r.From.Format(time.DateTime), r.To.Format(time.DateTime), totals(r.report, c.Via))
	if r.Copies > 0 {
		_, _ = fmt.Fprintf(w.Stdout, "%s left out: they are the same signal as an earlier one\n", plural(r.Copies, "row"))
	}
	for _, f := range r.Failed[:min(len(r.Failed), 3)] {
		_, _ = fmt.Fprintf(w.Stdout, "  %s  %s  %s: %s\n", f.State, f.ID[:min(len(f.ID), 12)], f.Code, line(f.Detail))
	}
	if r.Hint != "" {
		_, _ = fmt.Fprintln(w.Stdout, r.Hint)
	}
	if missing > 0 {
		return fail(exitNotAccepted, fmt.Errorf("%d of %d rows were not accepted; replaying again is safe", missing, r.Rows))
	}
	return nil
}
