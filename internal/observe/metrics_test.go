package observe_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
)

// turn sets the clock to the next minute in which the observer reads the metrics.
func (w *world) turn(observer string) {
	for w.now = w.now.Truncate(time.Minute); ; w.now = w.now.Add(time.Minute) {
		slot := w.now.Unix() / 300
		if []string{east, west, witness}[slot%3] == observer {
			break
		}
	}
	for _, table := range []string{east, west} { // time has passed: so have canaries
		w.canary(table, east, 10*time.Second)
		w.canary(table, west, 10*time.Second)
	}
}

const (
	ageMetric = "ApproximateAgeOfOldestMessage"
	visible   = "ApproximateNumberOfMessagesVisible"
	received  = "NumberOfMessagesReceived"
	deleted   = "NumberOfMessagesDeleted"
)

func flat(v float64) observe.Series { return slices.Repeat(observe.Series{v}, 10) }

// Each bound, on either side of it. None of them is a reason to leave the region.
func TestMetricsPageAndDoNotVote(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		of    string
		data  map[string]observe.Series
		check string
		state observe.State
		value string
	}{
		"no message waits":             {"signals", nil, "signals-age", observe.OK, "0s"},
		"as old as may be":             {"signals", map[string]observe.Series{ageMetric: {1200, 0}}, "signals-age", observe.OK, "20m0s"},
		"older":                        {"signals", map[string]observe.Series{ageMetric: {1201, 0}}, "signals-age", observe.Bad, "20m1s"},
		"was older":                    {"actions", map[string]observe.Series{ageMetric: {3, 5000}}, "actions-age", observe.OK, "3s"},
		"grows":                        {"signals", map[string]observe.Series{visible: {1101, 2000, 1300, 9, 9, 9, 9, 100, 0, 50}}, "signals-growth", observe.Bad, "1001"},
		"grows by what may be":         {"signals", map[string]observe.Series{visible: {1100, 2000, 1300, 9, 9, 9, 9, 100, 0, 50}}, "signals-growth", observe.OK, "1000"},
		"a burst":                      {"signals", map[string]observe.Series{visible: {9000, 0, 0, 0, 0, 0, 0, 0, 0, 0}}, "signals-growth", observe.OK, "0"},
		"a backlog that is worked off": {"signals", map[string]observe.Series{visible: {10, 11, 12, 9, 9, 9, 9, 9000, 9000, 9000}}, "signals-growth", observe.OK, "0"},
		"two minutes of data":          {"signals", map[string]observe.Series{visible: {9000, 0}}, "signals-growth", observe.OK, "0"},
		"everything comes back":        {"actions", map[string]observe.Series{received: flat(40), deleted: nil}, "actions-failing", observe.Bad, "400 of 400"},
		"a tenth comes back":           {"actions", map[string]observe.Series{received: flat(40), deleted: flat(36)}, "actions-failing", observe.OK, "40 of 400"},
		"two come back":                {"actions", map[string]observe.Series{received: {2, 2}, deleted: {2}}, "actions-failing", observe.OK, "2 of 4"},
		"three come back":              {"actions", map[string]observe.Series{received: {3, 2}, deleted: {2}}, "actions-failing", observe.Bad, "3 of 5"},
		"deleted, and received before": {"actions", map[string]observe.Series{received: {2}, deleted: {4}}, "actions-failing", observe.OK, "0 of 2"},
		"nothing is received":          {"actions", map[string]observe.Series{received: nil, deleted: nil, visible: flat(7)}, "actions-failing", observe.OK, "0 of 0"},
		"throttled":                    {"decide", map[string]observe.Series{"Invocations": {89}, "Throttles": {11}}, "decide-throttles", observe.Bad, "11 of 100"},
		"a tenth throttled":            {"decide", map[string]observe.Series{"Invocations": {90}, "Throttles": {10}}, "decide-throttles", observe.OK, "10 of 100"},
		"throttled twice":              {"act", map[string]observe.Series{"Invocations": nil, "Throttles": {1, 1}}, "act-throttles", observe.OK, "2 of 2"},
		"a queue without data":         {"signals", map[string]observe.Series{visible: nil, received: nil, deleted: nil}, "signals-failing", observe.Unknown, ""},
		"a function without data":      {"act", map[string]observe.Series{"Invocations": nil, "Throttles": nil}, "act-throttles", observe.Unknown, ""},
	} {
		w := newWorld()
		w.turn(witness)
		for metric, s := range c.data {
			w.series[east+"|"+c.of+"|"+metric] = s
		}
		v := look(t, w, witness, east)
		if got := check(t, v, c.check); got.State != c.state || got.Value != c.value || got.Votes || !got.At.Equal(w.now) || (c.state == observe.OK) != (got.Detail == "") {
			t.Errorf("%s: %+v", name, got)
		}
		if !v.Healthy {
			t.Errorf("%s: a metric is an objection", name)
		}
		found := 0
		for _, c := range v.Checks {
			if c.State != observe.OK {
				found++
			}
		}
		if w.published.Found != found {
			t.Errorf("%s: published %+v, and of the checks %d are bad or unknown", name, w.published, found)
		}
	}
}

// FAULTS 44. What cannot be seen pages and does not vote, and is looked for again in every run.
func TestWhereCloudWatchIsDownNothingVotes(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.turn(witness)
	w.blind[east] = true
	v := look(t, w, witness, east)
	unseen := 0
	for _, c := range v.Checks {
		if c.State == observe.Unknown {
			unseen++
			if !strings.Contains(c.Detail, errBlind.Error()) || c.Votes {
				t.Errorf("%+v", c)
			}
		}
	}
	if unseen != 8 || !v.Healthy || w.published.Found != 8 {
		t.Errorf("%d are unknown, published %+v: %+v", unseen, w.published, v)
	}
	if c := check(t, look(t, w, witness, west), "signals-age"); c.State != observe.OK {
		t.Errorf("the other region has %+v", c)
	}
	w.blind[east] = false
	w.now = w.now.Add(time.Minute)
	if c := check(t, look(t, w, witness, east), "signals-age"); c.State != observe.OK {
		t.Errorf("not looked for again: %+v", c)
	}
}

// GetMetricData is paid by the metric. One region's are read every five minutes by whose turn it is, so that the number
// does not grow with the observers: 207,360 in a month of 30 days at two regions ($2.07 at $0.01 per 1,000).
// https://aws.amazon.com/cloudwatch/pricing/
func TestTheMetricsAskedForAreFew(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.now = at.Truncate(24 * time.Hour)
	for range 60 {
		for _, table := range []string{east, west} {
			w.canary(table, east, 10*time.Second)
			w.canary(table, west, 10*time.Second)
		}
		for i, from := range []string{east, west, witness} {
			w.now = w.now.Add(time.Duration(i) * 7 * time.Second) // they do not run at the same second
			look(t, w, from, east)
			w.now = w.now.Add(-time.Duration(i) * 7 * time.Second)
		}
		w.now = w.now.Add(time.Minute)
	}
	asked := 0
	for _, r := range w.reads {
		asked += r.metrics
		if r.metrics != 12 || r.to.Sub(r.from) != 10*time.Minute || r.to.Second() != 0 {
			t.Errorf("%+v", r)
		}
	}
	if monthly := 30 * 24 * asked; len(w.reads) != 2*12 || monthly != 207_360 {
		t.Errorf("%d requests an hour, %d metrics a month", len(w.reads), monthly)
	}
}

// Between the turns the last look stands in the verdict, with its time; the one of an observer that was away does not.
func TestALookAtMetricsStandsUntilTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.turn(witness)
	looked := w.now
	w.series[east+"|act|Throttles"] = flat(50)
	look(t, w, witness, east)
	delete(w.series, east+"|act|Throttles")
	w.now = w.now.Add(time.Minute)
	v := look(t, w, witness, east)
	if c := check(t, v, "act-throttles"); c.State != observe.Bad || !c.At.Equal(looked) || !c.Since.Equal(looked) || len(w.reads) != 2 {
		t.Errorf("%+v after %d reads", c, len(w.reads))
	}
	w.now = looked.Add(21 * time.Minute)
	if v := look(t, w, witness, east); len(v.Checks) != 2+len(loop.Queues()) {
		t.Errorf("a look of 21 minutes ago stands: %+v", v.Checks)
	}
}

// The evidence says since when: for as long as it was so in each run, and anew after a gap.
func TestAChecksStateHasABeginning(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.probed["https://east/v1/health"] = errors.New("refused")
	began := w.now
	for _, step := range []struct {
		after time.Duration
		bad   bool
		since time.Duration // after began
	}{{0, true, 0}, {time.Minute, true, 0}, {time.Minute, false, 2 * time.Minute}, {time.Minute, false, 2 * time.Minute}, {3 * time.Minute, false, 6 * time.Minute}} {
		w.now = w.now.Add(step.after)
		if delete(w.probed, "https://east/v1/health"); step.bad {
			w.probed["https://east/v1/health"] = errDown
		}
		if c := check(t, look(t, w, witness, east), "endpoint"); !c.Since.Equal(began.Add(step.since)) || (c.State == observe.Bad) != step.bad {
			t.Errorf("at %s: %+v", w.now.Sub(began), c)
		}
	}
}
