package alarm

// State is what an alarm says.
type State string

// The states of CloudWatch.
const (
	OK           State = "OK"
	Alarm        State = "ALARM"
	Insufficient State = "INSUFFICIENT_DATA"
)

// Missing is how an alarm treats a period without data.
type Missing string

// The treatments of CloudWatch.
const (
	TreatMissing      Missing = "missing"
	TreatIgnore       Missing = "ignore"
	TreatBreaching    Missing = "breaching"
	TreatNotBreaching Missing = "notBreaching"
)

// Rule is what an alarm asks of its data points: M of N.
type Rule struct {
	N, M     int
	Missing  Missing
	Breaches func(value float64) bool
}

// Range is how many periods are looked at: more than N, so that a point that came late or not at all is made up for
// by an older one. AWS does not publish the number; its example looks at 5 for an N of 3.
func (r Rule) Range() int { return r.N + 2 }

// Evaluate judges the points of the evaluation range, the oldest first, nil where there is no data. now is the state
// that the alarm is in.
//
// With N real points or more in the range, the newest N decide and the treatment of missing data does not matter. With
// fewer, what lacks of N is filled by it, as few times as possible: every real point of the range counts.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func Evaluate(r Rule, points []*float64, now State) State {
	var there []bool // whether each real point breaches
	oldest := 0      // how many periods ago the oldest real point is; the newest period is 1
	for i, p := range points {
		if p == nil {
			continue
		}
		if len(there) == 0 {
			oldest = len(points) - i
		}
		there = append(there, r.Breaches(*p))
	}
	lacking := max(r.N-len(there), 0)
	if lacking == 0 {
		there = there[len(there)-r.N:]
	}
	breaching := 0
	for _, b := range there {
		if b {
			breaching++
		}
	}
	if lacking > 0 && r.Missing == TreatBreaching {
		breaching += lacking
	}
	switch {
	case breaching >= r.M:
		return Alarm
	case lacking == 0, r.Missing == TreatBreaching, r.Missing == TreatNotBreaching, breaching < len(there):
		return OK
	// From here on no real point is within the threshold, and there are too few of them.
	case r.Missing == TreatIgnore:
		return now
	case len(there) > 0 && oldest >= r.M:
		// What began M periods ago and has not been contradicted since is no longer premature.
		return Alarm
	default:
		return Insufficient
	}
}
