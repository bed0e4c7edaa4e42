// Package telemetry says what happened: one JSON log line per event, and per invocation one line of metrics in
// CloudWatch's embedded metric format. It implements the recorders that ingest, decide and act declare, so that the
// stages know neither logs nor metrics.
//
// Every line about a signal carries its signalKey (or a list of them, `signals`): `unbroken trace` follows a signal
// by searching for it. No line carries a payload, a secret, a header or a signature: what producers and targets
// write stays in queues and tables, whose readers are fewer than a log's.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"example.com/unbroken/internal/loop"
)

// Config is what telemetry is wired with. Level and Trace may be missing.
type Config struct {
	Out      io.Writer // standard output in a function: Lambda sends it to CloudWatch Logs
	Function string    // its name without the prefix, as in loop.FuncAct; the metrics' dimension
	Region   string
	Level    string // debug | info | warn | error; anything else is info
	Now      func() time.Time
	Trace    func(ctx context.Context) string // id of the trace that ctx belongs to
}

// Telemetry makes the log and the recorders of one function in one region. It is safe for concurrent use.
type Telemetry struct {
	cfg Config
	out *lines
	log *slog.Logger
}

// New makes a Telemetry.
func New(c Config) *Telemetry {
	t := &Telemetry{cfg: c, out: &lines{w: c.Out}}
	var level slog.Level
	if level.UnmarshalText([]byte(c.Level)) != nil {
		level = slog.LevelInfo
	}
	h := slog.NewJSONHandler(t.out, &slog.HandlerOptions{Level: level}).WithAttrs([]slog.Attr{
		slog.String("function", c.Function), slog.String("region", c.Region),
	})
	t.log = slog.New(handler{Handler: h, now: c.Now, trace: c.Trace})
	return t
}

// Logger is for everything that no recorder covers. A line at level error is counted as an error of the
// invocation.
func (t *Telemetry) Logger() *slog.Logger { return t.log }

// StartBatch opens the books of an invocation; the returned function closes them and writes the metrics, once. msgs
// are those that started the invocation; each tells how long the link before this function took, its delay included.
func (t *Telemetry) StartBatch(ctx context.Context, msgs []loop.Message) (context.Context, func()) {
	b := &batch{counts: map[metric]int{}, values: map[metric]*sample{}}
	now := t.cfg.Now()
	for _, m := range msgs {
		if !m.SentAt.IsZero() {
			b.observe(linkLatency, now.Sub(m.SentAt))
		}
	}
	ctx = context.WithValue(ctx, batchKey{}, b)
	var once sync.Once
	return ctx, func() {
		once.Do(func() { t.write(ctx, b) })
	}
}

// lines keeps the log and the metrics, which write to one stream, from mixing within a line.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// maxText bounds what a target or an error adds to a line.
const maxText = 300

// oneLine makes one short line of s.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}
