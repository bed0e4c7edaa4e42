package ruletest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"example.com/unbroken/internal/backtest"
	"example.com/unbroken/internal/loop"
)

// Result is what became of one test.
type Result struct {
	Test    Test
	Failure string // a diff of the expected and the made decisions; "" where it passed
}

// Run plays one test. An error means that it could not be played, not that it failed.
func Run(ctx context.Context, cfg *loop.Config, t Test) (Result, error) {
	player, err := backtest.NewPlayer(cfg)
	if err != nil {
		return Result{}, err
	}
	order := make([]int, len(t.Signals))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(t.Signals[a].At.Duration, t.Signals[b].At.Duration) })
	var made []backtest.Made
	var wrong []string
	play := func(now time.Time, i int, r *backtest.Record) error {
		out, refused, err := player.Play(ctx, now, r)
		for _, f := range refused {
			wrong = append(wrong, fmt.Sprintf("signal %d is refused: %s: %s", i+1, f.Code, f.Detail))
		}
		for _, f := range out.Failed {
			wrong = append(wrong, fmt.Sprintf("rule %s fails on signal %d: %s", f.Rule, i+1, f.Detail))
		}
		for _, m := range out.Made {
			if len(t.Rules) == 0 || slices.Contains(t.Rules, m.RuleID) {
				made = append(made, m)
			}
		}
		return err
	}
	end := t.start.Add(t.Until.Std())
	for _, i := range order {
		s := t.Signals[i]
		raw, err := s.event(i, t.start)
		if err != nil {
			return Result{}, fmt.Errorf("%s: %s: signal %d: %w", t.File, t.Name, i+1, err)
		}
		now := t.start.Add(s.At.Std())
		if err := play(now, i, &backtest.Record{Signal: raw, At: now, N: i + 1}); err != nil {
			return Result{}, err
		}
		end = later(end, now)
	}
	for _, e := range t.Expect {
		end = later(end, t.start.Add(e.At.Std()))
	}
	if err := play(end, len(order), nil); err != nil {
		return Result{}, err
	}
	return Result{Test: t, Failure: compare(t, made, wrong)}, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// event is the signal as its producer would have sent it.
func (s Signal) event(i int, start time.Time) ([]byte, error) {
	at := s.At
	if s.Time != nil {
		at = *s.Time
	}
	out := loop.Signal{
		ID: s.ID, Source: s.Source, Type: s.Type, Subject: s.Subject, Time: start.Add(at.Std()), Extensions: s.Extensions,
	}
	if out.ID == "" {
		out.ID = strconv.Itoa(i + 1)
	}
	if out.Source == "" {
		out.Source = "test"
	}
	if s.Data != nil {
		data, err := loop.Marshal(s.Data)
		if err != nil {
			return nil, fmt.Errorf("data: %w", err)
		}
		out.Data, out.DataContentType = json.RawMessage(data), "application/json"
	}
	return loop.Marshal(out)
}
