package backtest

import (
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

func TestScores(t *testing.T) {
	t.Parallel()
	span := func(from, to int) Span {
		return Span{Epoch.Add(time.Duration(from) * time.Minute), Epoch.Add(time.Duration(to) * time.Minute)}
	}
	s := NewScorer([]*[]Span{{span(10, 20), span(30, 40), span(50, 60)}, nil, {span(0, 5)}})
	made := func(rule string, file, minute int, phase loop.Phase) Made {
		m := decision(rule, "x", minute, "")
		m.File, m.Phase = file, phase
		return m
	}
	s.Add(Outcome{
		Made: []Made{
			made("a", 0, 10, loop.PhaseDo), made("a", 0, 20, loop.PhaseDo), made("a", 0, 21, loop.PhaseDo), // both ends count
			made("a", 0, 55, loop.PhaseUndo), // takes back, and finds nothing
			made("a", 1, 12, loop.PhaseDo),   // of a file without labels
			made("a", 0, 35, loop.PhaseDo),
		},
		Matched: map[Place]int{{"a", 0}: 9, {"a", 1}: 9, {"silent", 2}: 1},
	})
	if got := s.Scores()["a"]; got != (Score{Windows: 3, Detected: 2, Missed: 1, True: 3, False: 1}) {
		t.Errorf("%+v", got)
	}
	// A rule that saw a file and said nothing missed its windows; one that never saw it did not.
	if got := s.Scores()["silent"]; got != (Score{Windows: 1, Missed: 1}) {
		t.Errorf("%+v", got)
	}
	if p, ok := s.Scores()["a"].Precision(); !ok || p != 0.75 {
		t.Errorf("precision %v %v", p, ok)
	}
	if _, ok := s.Scores()["silent"].Precision(); ok {
		t.Error("a precision of nothing")
	}
	if r, ok := s.Scores()["a"].Recall(); !ok || r < 0.66 || r > 0.67 {
		t.Errorf("recall %v %v", r, ok)
	}
}

func TestLabelsAreCheckedWhenTheyAreRead(t *testing.T) {
	t.Parallel()
	labels, err := ParseLabels([]byte(`{"a.csv":[["2014-02-14 14:27:00.000000","2014-02-14T15:00:00Z"]],"b.csv":[]}`))
	if err != nil || len(labels["a.csv"]) != 1 || labels["a.csv"][0].To.Hour() != 15 || labels["b.csv"] == nil {
		t.Errorf("%v %v", labels, err)
	}
	for text, want := range map[string]string{
		`[]`: "want {", `{"a":[["2014-02-14 14:27:00"]]}`: "window 1 has 1 times", `{"a":[["x","y"]]}`: "\"x\" to \"y\"",
		`{"a":[["2014-02-15 00:00:00","2014-02-14 00:00:00"]]}`: "the earlier first",
	} {
		if _, err := ParseLabels([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
