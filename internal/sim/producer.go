package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Types of the simulated signals; see rulesFile for what the rules make of them.
const (
	typeAlert  = "com.example.alert"
	typeOdd    = "com.example.odd"
	typeMetric = "com.example.metric"
	typeLevel  = "com.example.level"
	typeOther  = "com.example.other"
)

// meanGap is the mean time between two signals of a drawn plan: a steady trickle of 360 an hour.
const meanGap = 10 * time.Second

// drawSignals draws a trickle with bursts, late and repeated signals.
func drawSignals(r *rand.Rand, p Plan) (all []Planned) {
	for at := time.Duration(0); ; {
		at += time.Duration(r.Int64N(int64(2 * meanGap)))
		if at >= p.Length {
			break
		}
		s := drawSignal(r, p, len(all), at)
		all = append(all, s)
		if r.IntN(25) == 0 { // FAULTS 6: the same id with another body
			other := s
			other.At += time.Duration(r.Int64N(int64(time.Minute)))
			other.Data = fmt.Sprintf(`{"value":%d,"again":true}`, 1+r.IntN(9))
			if s.Type == typeAlert {
				all = append(all, other)
			}
		}
		if r.IntN(20) == 0 { // FAULTS 2 and 10: a producer that sends again what was accepted
			s.At += time.Duration(r.Int64N(int64(time.Minute)))
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b Planned) int { return int(a.At - b.At) })
	return all
}

func drawSignal(r *rand.Rand, p Plan, n int, at time.Duration) Planned {
	s := Planned{At: at, ID: fmt.Sprintf("s%d", n), Input: "both", Time: at, Subject: fmt.Sprintf("k%d", r.IntN(4))}
	s.Regions = slices.Clone(p.Loop)
	r.Shuffle(len(s.Regions), func(i, j int) { s.Regions[i], s.Regions[j] = s.Regions[j], s.Regions[i] })
	s.AtOnce = r.IntN(12) == 0 // FAULTS 5
	switch r.IntN(10) {
	case 0, 1, 2: // small values match no rule, larger ones match one to three
		s.Type, s.Data = typeAlert, fmt.Sprintf(`{"value":%d}`, r.IntN(4))
		switch r.IntN(6) {
		case 0:
			s.Input = "loose"
		case 1:
			s.Input, s.AtOnce = "local", false
		case 2:
			s.Input, s.AtOnce = "inbox", false
		}
	case 3: // FAULTS 20: a field is missing or of another type
		s.Type = typeOdd
		s.Data = []string{`{"size":1}`, `{"size":"large"}`, `{}`, `null`}[r.IntN(4)]
	case 4:
		s.Type, s.Data = typeOther, `{}`
	case 5, 6, 7:
		s.Type, s.Data = typeMetric, fmt.Sprintf(`{"value":%d}`, min(r.IntN(5), 1))
		s.Subject = fmt.Sprintf("k%d", r.IntN(2))
		if r.IntN(5) == 0 { // FAULTS 21: late, by more than what is allowed now and then
			s.Time = max(s.Time-time.Duration(r.Int64N(int64(3*time.Minute))), 0)
		}
	default: // FAULTS 22: flapping around the threshold
		s.Type, s.Data = typeLevel, fmt.Sprintf(`{"value":%d}`, r.IntN(11))
		s.Subject = fmt.Sprintf("k%d", r.IntN(2))
	}
	return s
}
