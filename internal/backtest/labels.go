package backtest

import (
	"encoding/json"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// Span is a labelled stretch of time, both ends included: something was wrong then, and a rule should have said so.
type Span struct {
	From, To time.Time
}

// labelForms are tried in order; a time without a zone is UTC.
var labelForms = []string{"2006-01-02 15:04:05.999999999", time.RFC3339Nano, "2006-01-02T15:04:05.999999999"}

// ParseLabels reads labels of the form {"file.csv": [["from", "to"], …], …}, which is that of the Numenta Anomaly
// Benchmark.
func ParseLabels(b []byte) (map[string][]Span, error) {
	var files map[string][][]string
	if err := json.Unmarshal(b, &files); err != nil {
		return nil, fmt.Errorf(`labels: want {"file": [["from", "to"], …]}: %w`, err)
	}
	out := make(map[string][]Span, len(files))
	for file, list := range files {
		out[file] = []Span{}
		for i, pair := range list {
			if len(pair) != 2 {
				return nil, fmt.Errorf("labels: %s: window %d has %d times; want its first and its last", file, i+1, len(pair))
			}
			from, okFrom := labelTime(pair[0])
			to, okTo := labelTime(pair[1])
			if !okFrom || !okTo || to.Before(from) {
				return nil, fmt.Errorf("labels: %s: window %d, %q to %q: want two times such as 2014-02-14 14:27:00, the earlier first", file, i+1, pair[0], pair[1])
			}
			out[file] = append(out[file], Span{from, to})
		}
	}
	return out, nil
}

func labelTime(text string) (time.Time, bool) {
	for _, form := range labelForms {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// Score is how the openings of one rule stand to the labels of the files that it saw.
type Score struct {
	Windows  int // labelled ones
	Detected int // with at least one decision in them
	Missed   int // with none
	True     int // decisions in a window
	False    int // decisions outside of all
}

// Precision is the share of decisions that were right; ok is false where there was none.
func (s Score) Precision() (p float64, ok bool) { return share(s.True, s.True+s.False) }

// Recall is the share of windows that were found; ok is false where there was none.
func (s Score) Recall() (p float64, ok bool) { return share(s.Detected, s.Windows) }

func share(part, of int) (float64, bool) {
	if of == 0 {
		return 0, false
	}
	return float64(part) / float64(of), true
}

// Scorer compares the decisions of one side with labels. Only what opens or acts counts, not what takes it back.
type Scorer struct {
	files []*[]Span // by file number; nil for one without labels
	rules map[string]map[int][]bool
	score map[string]*Score
}

// NewScorer makes one; files are the labels by file number, nil for a file without.
func NewScorer(files []*[]Span) *Scorer {
	return &Scorer{files: files, rules: map[string]map[int][]bool{}, score: map[string]*Score{}}
}

// Add takes the outcome of one batch.
func (s *Scorer) Add(o Outcome) {
	for at := range o.Matched {
		s.see(at.Rule, at.File)
	}
	for _, m := range o.Made {
		if m.Phase != loop.PhaseDo || m.File >= len(s.files) || s.files[m.File] == nil {
			continue
		}
		found := s.see(m.RuleID, m.File)
		right := false
		for i, span := range *s.files[m.File] {
			if !m.At.Before(span.From) && !m.At.After(span.To) {
				found[i], right = true, true
			}
		}
		if score := s.score[m.RuleID]; right {
			score.True++
		} else {
			score.False++
		}
	}
}

// see notes that a rule had to do with a file: its windows are the rule's to find.
func (s *Scorer) see(rule string, file int) []bool {
	if file >= len(s.files) || s.files[file] == nil {
		return nil
	}
	seen := s.rules[rule]
	if seen == nil {
		seen = map[int][]bool{}
		s.rules[rule], s.score[rule] = seen, &Score{}
	}
	found, ok := seen[file]
	if !ok {
		found = make([]bool, len(*s.files[file]))
		seen[file] = found
	}
	return found
}

// Scores are those of all rules that saw a labelled file.
func (s *Scorer) Scores() map[string]Score {
	out := make(map[string]Score, len(s.score))
	for rule, score := range s.score {
		one := *score
		for _, found := range s.rules[rule] {
			for _, f := range found {
				one.Windows++
				if f {
					one.Detected++
				} else {
					one.Missed++
				}
			}
		}
		out[rule] = one
	}
	return out
}
