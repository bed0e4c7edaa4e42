package main

import (
	"time"

	"example.com/unbroken/internal/backtest"
	"example.com/unbroken/internal/loop"
)

// backtestDoc is a backtest as JSON.
type backtestDoc struct {
	Rules       fileHash        `json:"rules"`
	Against     *fileHash       `json:"against,omitempty"`
	Signals     int             `json:"signals"`
	Refused     int             `json:"refused"`
	From        time.Time       `json:"from,omitzero"`
	To          time.Time       `json:"to,omitzero"`
	Seconds     float64         `json:"seconds"`
	Same        bool            `json:"same"`
	PerRule     []ruleDoc       `json:"perRule"`
	Differences []differenceDoc `json:"differences"` // the first of them
	Refusals    []refusalDoc    `json:"refusals,omitempty"`
}

type fileHash struct {
	File string `json:"file"`
	Hash string `json:"hash"`
}

type ruleDoc struct {
	Rule    string `json:"rule"`
	Signals int    `json:"signals"`
	Old     int    `json:"old"`
	New     int    `json:"new"`
	Same    int    `json:"same"`
	Added   int    `json:"added"`
	Removed int    `json:"removed"`
	Changed int    `json:"changed"`
	Late    int    `json:"late"`
	Failed  int    `json:"failed"`
	Muted   int    `json:"muted,omitempty"`   // new decisions, by other rules
	Failure string `json:"failure,omitempty"` // the first

	Labels    *scoreDoc `json:"labels,omitempty"`
	OldLabels *scoreDoc `json:"oldLabels,omitempty"`
}

type scoreDoc struct {
	Windows   int      `json:"windows"`
	Detected  int      `json:"detected"`
	Missed    int      `json:"missed"`
	False     int      `json:"false"`
	Precision *float64 `json:"precision"` // null where nothing was decided
	Recall    *float64 `json:"recall"`    // null where there is no window
}

type differenceDoc struct {
	Kind    backtest.Kind `json:"kind"`
	At      time.Time     `json:"at"`
	Rule    string        `json:"rule"`
	Key     string        `json:"key"`
	Phase   loop.Phase    `json:"phase"`
	File    string        `json:"file"`
	Signal  string        `json:"signal"`
	Effects []loop.Effect `json:"effects"`
	Was     []loop.Effect `json:"was,omitempty"`
}

type refusalDoc struct {
	File   string    `json:"file"`
	N      int       `json:"n"`
	Code   loop.Code `json:"code"`
	Detail string    `json:"detail"`
}

func (r *backtested) json() backtestDoc {
	doc := backtestDoc{
		Rules: fileHash{r.rules, r.now.Hash}, Signals: r.signals, Refused: r.refused, From: r.from, To: r.to,
		Seconds: r.took.Seconds(), Same: r.differences() == 0, PerRule: []ruleDoc{}, Differences: []differenceDoc{},
	}
	if r.old != nil {
		doc.Against = &fileHash{r.cmd.Against, r.old.Hash}
	}
	var scores, oldScores map[string]backtest.Score
	if r.scorer != nil {
		scores = r.scorer.Scores()
	}
	if r.oldScorer != nil {
		oldScores = r.oldScorer.Scores()
	}
	for _, id := range r.ruleIDs() {
		c := r.diff.Rules[id]
		one := ruleDoc{
			Rule: id, Signals: c.Signals, Old: c.Old, New: c.New, Same: c.Same, Added: c.Added, Removed: c.Removed,
			Changed: c.Changed, Late: c.Late, Failed: c.Failed, Muted: c.Muted,
		}
		if f, ok := r.failures[id]; ok {
			one.Failure = string(f.Code) + ": " + f.Detail
		}
		one.Labels, one.OldLabels = scoreOf(scores, id), scoreOf(oldScores, id)
		doc.PerRule = append(doc.PerRule, one)
	}
	for _, d := range r.diff.First {
		one := differenceDoc{
			Kind: d.Kind, At: d.At.UTC(), Rule: d.RuleID, Key: d.Key, Phase: d.Phase, File: r.cmd.Files[d.File],
			Signal: d.SignalKey, Effects: d.Effects,
		}
		if d.Was != nil {
			one.Was = d.Was.Effects
		}
		doc.Differences = append(doc.Differences, one)
	}
	for _, f := range r.refusals {
		doc.Refusals = append(doc.Refusals, refusalDoc{r.cmd.Files[f.File], f.N, f.Code, f.Detail})
	}
	return doc
}

func scoreOf(scores map[string]backtest.Score, rule string) *scoreDoc {
	s, ok := scores[rule]
	if !ok {
		return nil
	}
	doc := &scoreDoc{Windows: s.Windows, Detected: s.Detected, Missed: s.Missed, False: s.False}
	if p, ok := s.Precision(); ok {
		doc.Precision = &p
	}
	if p, ok := s.Recall(); ok {
		doc.Recall = &p
	}
	return doc
}
