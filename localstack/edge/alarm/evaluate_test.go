package alarm

import (
	"strings"
	"testing"
)

// series reads the notation of AWS's documentation: 0 is within the threshold, X breaches, - is missing.
func series(s string) []*float64 {
	var points []*float64
	for _, c := range strings.Fields(s) {
		switch c {
		case "0":
			points = append(points, new(float64))
		case "X":
			v := 1.0
			points = append(points, &v)
		default:
			points = append(points, nil)
		}
	}
	return points
}

const retained State = "what it was"

// The two tables of "How alarm state is evaluated when data is missing", with the rows of its editions, and the
// examples of "Avoiding premature transitions to alarm state".
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func TestEvaluateIsWhatAWSDocuments(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		m                                        int
		points                                   string
		missing, ignore, breaching, notBreaching State
	}{
		{3, "0 - X - X", OK, OK, OK, OK},
		{3, "0 - - - -", OK, OK, OK, OK},
		{3, "- - - - 0", OK, OK, OK, OK},
		{3, "- - - - -", Insufficient, retained, Alarm, OK},
		{3, "0 X X - X", Alarm, Alarm, Alarm, Alarm},
		{3, "- - - - X", Insufficient, retained, Alarm, OK},
		{3, "- - - X -", Insufficient, retained, Alarm, OK},
		{3, "- - X - -", Alarm, retained, Alarm, OK},
		{3, "X - - - -", Alarm, retained, Alarm, OK},
		{3, "- - - X 0", OK, OK, OK, OK},
		{3, "- - X - 0", OK, OK, OK, OK},

		{2, "0 - X - X", Alarm, Alarm, Alarm, Alarm},
		{2, "0 0 X 0 X", Alarm, Alarm, Alarm, Alarm},
		{2, "0 - X - -", OK, OK, Alarm, OK},
		{2, "- - - - 0", OK, OK, Alarm, OK},
		{2, "- - - - X", Insufficient, retained, Alarm, OK},
		{2, "- - - X -", Alarm, retained, Alarm, OK},

		// Older points than the newest N do not count when there are N.
		{3, "X X X 0 0", OK, OK, OK, OK},
		{3, "0 0 X X X", Alarm, Alarm, Alarm, Alarm},
	} {
		for treat, want := range map[Missing]State{
			TreatMissing: row.missing, TreatIgnore: row.ignore, TreatBreaching: row.breaching, TreatNotBreaching: row.notBreaching,
		} {
			r := Rule{N: 3, M: row.m, Missing: treat, Breaches: func(v float64) bool { return v > 0 }}
			if got := Evaluate(r, series(row.points), retained); got != want {
				t.Errorf("%d of 3, %s, %s: got %s, want %s", row.m, row.points, treat, got, want)
			}
			if len(series(row.points)) != r.Range() {
				t.Errorf("%s is not a range of %d", row.points, r.Range())
			}
		}
	}
}
