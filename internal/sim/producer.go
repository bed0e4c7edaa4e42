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
	typeGauge  = "com.example.gauge"
	typeDeploy = "com.example.deploy"
	typeBeat   = "com.example.beat"
	typeTask   = "com.example.task"
	typePing   = "com.example.ping"
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
	few := func() { s.Subject = fmt.Sprintf("k%d", r.IntN(2)) }
	value := func(most int) { s.Data = fmt.Sprintf(`{"value":%d}`, r.IntN(most)) }
	switch r.IntN(20) {
	case 0, 1, 2, 3: // small values match no rule, larger ones match one to five
		s.Type = typeAlert
		value(4)
		switch r.IntN(6) {
		case 0:
			s.Input = "loose"
		case 1:
			s.Input, s.AtOnce = "local", false
		case 2:
			s.Input, s.AtOnce = "inbox", false
		}
		s.Time = skewed(r, at)
	case 4: // FAULTS 20: a field is missing or of another type
		s.Type = typeOdd
		s.Data = []string{`{"size":1}`, `{"size":"large"}`, `{}`, `null`}[r.IntN(4)]
	case 5:
		s.Type, s.Data = typeOther, `{}`
	case 6, 7, 8, 9:
		s.Type, s.Data = typeMetric, fmt.Sprintf(`{"value":%d}`, min(r.IntN(5), 1))
		few()
		s.Time = late(r, at)
	case 10, 11, 12: // FAULTS 22: flapping around the threshold
		s.Type = typeLevel
		value(11)
		few()
	case 13, 14:
		s.Type = typeGauge
		value(10)
		few()
		s.Time = late(r, at)
	case 15:
		s.Type, s.Data = []string{typeDeploy, typeBeat}[r.IntN(2)], `{}`
		few()
		s.Time = late(r, at)
	case 16:
		s.Type, s.Data = typePing, `{}`
		if r.IntN(8) > 0 { // FAULTS 23: dear, for eight more effects follow
			s.Type = typeBeat
		}
	default:
		s.Type = typeTask
		value(9)
		few()
	}
	return s
}

// late is FAULTS 21: now and then a signal is late, by more than what is allowed even.
func late(r *rand.Rand, at time.Duration) time.Duration {
	if r.IntN(5) > 0 {
		return at
	}
	return max(at-time.Duration(r.Int64N(int64(3*time.Minute))), 0)
}

// skewed is FAULTS 9: a producer's clock is wrong, by a little, by ten minutes, or by a year.
func skewed(r *rand.Rand, at time.Duration) time.Duration {
	const year = 365 * 24 * time.Hour
	switch r.IntN(40) {
	case 0:
		return at - 10*time.Minute
	case 1:
		return at + 10*time.Minute
	case 2:
		return at - year
	case 3:
		return at + year
	case 4, 5, 6, 7, 8, 9:
		return at - time.Duration(r.Int64N(int64(time.Minute)))
	}
	return at
}

// outOfRange says whether a signal's time is further off than its input allows, and so whether it must be refused.
func (p Planned) outOfRange() bool { return (p.Time - p.At).Abs() > maxSkew }

// maxSkew is what an input allows that does not say.
const maxSkew = time.Hour
