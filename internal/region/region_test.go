package region_test

import (
	"testing"
	"time"

	"example.com/unbroken/internal/region"
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
func said(text string) map[string]region.Verdict {
	v := map[string]region.Verdict{}
	for i, c := range text {
		switch c {
		case '+':
			v[observers[i]] = region.Verdict{At: at, Healthy: true, Since: at.Add(-time.Hour)}
		case 's':
			v[observers[i]] = region.Verdict{At: at, Healthy: true, Since: at.Add(-region.Sustain + time.Second)}
		case '-':
			v[observers[i]] = region.Verdict{At: at, Since: at.Add(-time.Second)}
		case 'o':
			v[observers[i]] = region.Verdict{At: at.Add(-region.Fresh - time.Second), Since: at.Add(-time.Hour)}
		}
	}
	return v
}

func entry(s region.State, ago time.Duration, o region.Order) region.Entry {
	return region.Entry{State: s, Since: at.Add(-ago), Order: o}
}

// Each line of the package's table, and what stands next to it.
func TestTheTable(t *testing.T) {
	t.Parallel()
	const long = time.Hour
	drained := map[string]region.Entry{west: entry(region.Drained, long, "")}
	for name, c := range map[string]struct {
		entries     map[string]region.Entry
		on, other   string // verdicts on the region and on its peer
		peer        map[string]region.Entry
		want        region.State
		wantRefuses bool
	}{
		"nothing known":                              {nil, "", "", nil, region.Active, false},
		"two object":                                 {nil, "--+", "+++", nil, region.Drained, true},
		"all object":                                 {nil, "---", "+++", nil, region.Drained, true},
		"one lies":                                   {nil, "-++", "+++", nil, region.Active, false},
		"one lies, the others are dead":              {nil, "-", "+", nil, region.Active, false},
		"one objects, one did":                       {nil, "-o+", "+++", nil, region.Active, false},
		"all silent":                                 {nil, "", "", nil, region.Active, false},
		"both look dead":                             {nil, "---", "---", nil, region.Active, false},
		"the last one":                               {nil, "---", "++-", drained, region.Active, false},
		"just returned":                              {map[string]region.Entry{west: entry(region.Active, region.MinActive-1, "")}, "---", "+++", nil, region.Active, false},
		"returned long enough":                       {map[string]region.Entry{west: entry(region.Active, region.MinActive, "")}, "---", "+++", nil, region.Drained, true},
		"drained and well":                           {drained, "+++", "+++", nil, region.Active, false},
		"drained and well, two heard":                {drained, "+ +", "+++", nil, region.Active, false},
		"drained and one heard":                      {drained, "+", "+++", nil, region.Drained, true},
		"drained and silence":                        {drained, "", "+++", nil, region.Drained, true},
		"drained and one objects":                    {drained, "++-", "+++", nil, region.Drained, true},
		"drained and one objected":                   {drained, "++o", "+++", nil, region.Active, false},
		"drained and well for seconds":               {drained, "++s", "+++", nil, region.Drained, true},
		"drained a moment ago":                       {map[string]region.Entry{west: entry(region.Drained, region.MinDrained-1, "")}, "+++", "+++", nil, region.Drained, true},
		"drained, and the other looks dead":          {drained, "++-", "---", nil, region.Drained, false},
		"drained, and the other is, too":             {drained, "++-", "++-", drained, region.Drained, false},
		"ordered drain":                              {map[string]region.Entry{region.OperatorKey(east): entry(region.Drained, 1, region.Drain)}, "+++", "+++", nil, region.Drained, true},
		"ordered drain stays":                        {map[string]region.Entry{region.OperatorKey(east): entry(region.Drained, long, region.Drain)}, "+++", "---", nil, region.Drained, true},
		"ordered drain after observers returned it":  {map[string]region.Entry{west: entry(region.Active, 1, ""), region.OperatorKey(east): entry(region.Drained, long, region.Drain)}, "+++", "+++", nil, region.Drained, true},
		"ordered restore":                            {map[string]region.Entry{west: entry(region.Drained, 2, ""), region.OperatorKey(east): entry(region.Active, 1, region.Restore)}, "---", "+++", nil, region.Active, false},
		"ordered restore, and later drained":         {map[string]region.Entry{west: entry(region.Drained, 1, ""), region.OperatorKey(east): entry(region.Active, long, region.Restore)}, "++-", "+++", nil, region.Drained, true},
		"ordered restore, still ill after the dwell": {map[string]region.Entry{region.OperatorKey(east): entry(region.Active, region.MinActive, region.Restore)}, "--", "+++", nil, region.Drained, true},
		"the newest order counts":                    {map[string]region.Entry{region.OperatorKey(east): entry(region.Active, 1, region.Restore), region.OperatorKey(west): entry(region.Drained, 2, region.Drain)}, "+++", "+++", nil, region.Active, false},
		"frozen active":                              {map[string]region.Entry{region.OperatorKey(east): entry(region.Active, long, region.Freeze)}, "---", "+++", nil, region.Active, false},
		"frozen drained":                             {map[string]region.Entry{region.OperatorKey(east): entry(region.Drained, long, region.Freeze)}, "+++", "+++", nil, region.Drained, true},
		"frozen drained, and the other looks dead":   {map[string]region.Entry{region.OperatorKey(east): entry(region.Drained, long, region.Freeze)}, "+++", "---", nil, region.Drained, false},
		"frozen drained, and the other is, too":      {map[string]region.Entry{region.OperatorKey(east): entry(region.Drained, long, region.Freeze)}, "+++", "++-", drained, region.Drained, false},
		"ordered drain, and the other is, too":       {map[string]region.Entry{region.OperatorKey(east): entry(region.Drained, long, region.Drain)}, "+++", "++-", drained, region.Drained, true},
		"unfrozen active":                            {map[string]region.Entry{region.OperatorKey(east): entry(region.Active, long, region.Unfreeze)}, "---", "+++", nil, region.Drained, true},
		"unfrozen drained":                           {map[string]region.Entry{region.OperatorKey(east): entry(region.Drained, long, region.Unfreeze)}, "+++", "+++", nil, region.Active, false},
		"written by a clock that is an hour ahead":   {map[string]region.Entry{west: entry(region.Drained, -long, "")}, "", "", nil, region.Active, false},
		"an entry that says nothing":                 {map[string]region.Entry{west: entry("", 1, "")}, "", "", nil, region.Active, false},
		"an observer does not give orders":           {map[string]region.Entry{west: entry(region.Drained, 1, region.Drain)}, "", "", nil, region.Active, false},
	} {
		views := map[string]region.View{
			west: {Entries: c.entries, Verdicts: said(c.on)},
			east: {Entries: c.peer, Verdicts: said(c.other)},
		}
		got := region.Judge(at, views)[west]
		if got.State != c.want {
			t.Errorf("%s: %s, want %s", name, got.State, c.want)
		}
		if refuses := region.Refuses(at, west, views); refuses != c.wantRefuses {
			t.Errorf("%s: refuses new signals: %v", name, refuses)
		}
	}
}

// Two of three regions may go; the last one stays.
func TestTheLastOfThreeStays(t *testing.T) {
	t.Parallel()
	views := map[string]region.View{
		"a": {Verdicts: said("---")}, "b": {Verdicts: said("---")}, "c": {Verdicts: said("-++")},
	}
	got := region.Judge(at, views)
	if got["a"].State != region.Drained || got["b"].State != region.Drained || got["c"].State != region.Active {
		t.Errorf("%v", got)
	}
	views["c"] = region.View{Verdicts: said("---")}
	for name, e := range region.Judge(at, views) {
		if e.State != region.Active {
			t.Errorf("all look dead, and %s is drained", name)
		}
	}
}
