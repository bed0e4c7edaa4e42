package failover_test

import (
	"testing"
	"time"

	"example.com/unbroken/internal/failover"
)

const (
	east = "us-east-2"
	west = "us-west-2"
)

var (
	at        = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	regions   = [2]string{east, west}
	observers = [3]string{east, west, "us-east-1"}
)

// said are verdicts at `at`: + well for long, s well for seconds, - objecting, o an old objection, anything else silent.
func said(text string) map[string]failover.Verdict {
	v := map[string]failover.Verdict{}
	for i, c := range text {
		switch c {
		case '+':
			v[observers[i]] = failover.Verdict{At: at, Healthy: true, Since: at.Add(-time.Hour)}
		case 's':
			v[observers[i]] = failover.Verdict{At: at, Healthy: true, Since: at.Add(-failover.Sustain + time.Second)}
		case '-':
			v[observers[i]] = failover.Verdict{At: at, Since: at.Add(-time.Second)}
		case 'o':
			v[observers[i]] = failover.Verdict{At: at.Add(-failover.Fresh - time.Second), Since: at.Add(-time.Hour)}
		}
	}
	return v
}

func entry(s failover.State, ago time.Duration, o failover.Order) failover.Entry {
	return failover.Entry{State: s, Since: at.Add(-ago), Order: o}
}

// Each line of the package's table, and what stands next to it.
func TestTheTable(t *testing.T) {
	t.Parallel()
	const long = time.Hour
	drained := map[string]failover.Entry{west: entry(failover.Drained, long, "")}
	for name, c := range map[string]struct {
		entries     map[string]failover.Entry
		on, other   string // verdicts on the region and on its peer
		peer        map[string]failover.Entry
		want        failover.State
		wantRefuses bool
	}{
		"nothing known":                              {nil, "", "", nil, failover.Active, false},
		"two object":                                 {nil, "--+", "+++", nil, failover.Drained, true},
		"all object":                                 {nil, "---", "+++", nil, failover.Drained, true},
		"one lies":                                   {nil, "-++", "+++", nil, failover.Active, false},
		"one lies, the others are dead":              {nil, "-", "+", nil, failover.Active, false},
		"one objects, one did":                       {nil, "-o+", "+++", nil, failover.Active, false},
		"all silent":                                 {nil, "", "", nil, failover.Active, false},
		"both look dead":                             {nil, "---", "---", nil, failover.Active, false},
		"the last one":                               {nil, "---", "++-", drained, failover.Active, false},
		"just returned":                              {map[string]failover.Entry{west: entry(failover.Active, failover.MinActive-1, "")}, "---", "+++", nil, failover.Active, false},
		"returned long enough":                       {map[string]failover.Entry{west: entry(failover.Active, failover.MinActive, "")}, "---", "+++", nil, failover.Drained, true},
		"drained and well":                           {drained, "+++", "+++", nil, failover.Active, false},
		"drained and well, two heard":                {drained, "+ +", "+++", nil, failover.Active, false},
		"drained and one heard":                      {drained, "+", "+++", nil, failover.Drained, true},
		"drained and silence":                        {drained, "", "+++", nil, failover.Drained, true},
		"drained and one objects":                    {drained, "++-", "+++", nil, failover.Drained, true},
		"drained and one objected":                   {drained, "++o", "+++", nil, failover.Active, false},
		"drained and well for seconds":               {drained, "++s", "+++", nil, failover.Drained, true},
		"drained a moment ago":                       {map[string]failover.Entry{west: entry(failover.Drained, failover.MinDrained-1, "")}, "+++", "+++", nil, failover.Drained, true},
		"drained, and the other looks dead":          {drained, "++-", "---", nil, failover.Drained, false},
		"drained, and the other is, too":             {drained, "++-", "++-", drained, failover.Drained, false},
		"ordered drain":                              {map[string]failover.Entry{failover.OperatorKey(east): entry(failover.Drained, 1, failover.Drain)}, "+++", "+++", nil, failover.Drained, true},
		"ordered drain stays":                        {map[string]failover.Entry{failover.OperatorKey(east): entry(failover.Drained, long, failover.Drain)}, "+++", "---", nil, failover.Drained, true},
		"ordered drain after observers returned it":  {map[string]failover.Entry{west: entry(failover.Active, 1, ""), failover.OperatorKey(east): entry(failover.Drained, long, failover.Drain)}, "+++", "+++", nil, failover.Drained, true},
		"ordered restore":                            {map[string]failover.Entry{west: entry(failover.Drained, 2, ""), failover.OperatorKey(east): entry(failover.Active, 1, failover.Restore)}, "---", "+++", nil, failover.Active, false},
		"ordered restore, and later drained":         {map[string]failover.Entry{west: entry(failover.Drained, 1, ""), failover.OperatorKey(east): entry(failover.Active, long, failover.Restore)}, "++-", "+++", nil, failover.Drained, true},
		"ordered restore, still ill after the dwell": {map[string]failover.Entry{failover.OperatorKey(east): entry(failover.Active, failover.MinActive, failover.Restore)}, "--", "+++", nil, failover.Drained, true},
		"the newest order counts":                    {map[string]failover.Entry{failover.OperatorKey(east): entry(failover.Active, 1, failover.Restore), failover.OperatorKey(west): entry(failover.Drained, 2, failover.Drain)}, "+++", "+++", nil, failover.Active, false},
		"frozen active":                              {map[string]failover.Entry{failover.OperatorKey(east): entry(failover.Active, long, failover.Freeze)}, "---", "+++", nil, failover.Active, false},
		"frozen drained":                             {map[string]failover.Entry{failover.OperatorKey(east): entry(failover.Drained, long, failover.Freeze)}, "+++", "+++", nil, failover.Drained, true},
		"unfrozen active":                            {map[string]failover.Entry{failover.OperatorKey(east): entry(failover.Active, long, failover.Unfreeze)}, "---", "+++", nil, failover.Drained, true},
		"unfrozen drained":                           {map[string]failover.Entry{failover.OperatorKey(east): entry(failover.Drained, long, failover.Unfreeze)}, "+++", "+++", nil, failover.Active, false},
		"written by a clock that is an hour ahead":   {map[string]failover.Entry{west: entry(failover.Drained, -long, "")}, "", "", nil, failover.Active, false},
		"an entry that says nothing":                 {map[string]failover.Entry{west: entry("", 1, "")}, "", "", nil, failover.Active, false},
		"an observer does not give orders":           {map[string]failover.Entry{west: entry(failover.Drained, 1, failover.Drain)}, "", "", nil, failover.Active, false},
	} {
		views := map[string]failover.View{
			west: {Entries: c.entries, Verdicts: said(c.on)},
			east: {Entries: c.peer, Verdicts: said(c.other)},
		}
		got := failover.Judge(at, views)[west]
		if got.State != c.want {
			t.Errorf("%s: %s, want %s", name, got.State, c.want)
		}
		if refuses := failover.Refuses(at, west, views); refuses != c.wantRefuses {
			t.Errorf("%s: refuses new signals: %v", name, refuses)
		}
	}
}

// Two of three regions may go; the last one stays.
func TestTheLastOfThreeStays(t *testing.T) {
	t.Parallel()
	views := map[string]failover.View{
		"a": {Verdicts: said("---")}, "b": {Verdicts: said("---")}, "c": {Verdicts: said("-++")},
	}
	got := failover.Judge(at, views)
	if got["a"].State != failover.Drained || got["b"].State != failover.Drained || got["c"].State != failover.Active {
		t.Errorf("%v", got)
	}
	views["c"] = failover.View{Verdicts: said("---")}
	for name, e := range failover.Judge(at, views) {
		if e.State != failover.Active {
			t.Errorf("all look dead, and %s is drained", name)
		}
	}
}
