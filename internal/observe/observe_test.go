package observe_test

import (
	"encoding/json"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/region"
)

func TestEveryTableGetsEveryVerdict(t *testing.T) {
	t.Parallel()
	w := newWorld()
	verdicts, err := w.observer(witness).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{east, west} {
		for _, region := range []string{east, west} {
			v, ok := w.stored(t, table, region, witness)
			if !ok || !v.Healthy || v.Region != region || v.Observer != witness || !v.At.Equal(at) || len(v.Checks) != 5 {
				t.Errorf("%s in %s: %+v", region, table, v)
			}
		}
	}
	if len(verdicts) != 2 || !maps.Equal(w.published.Verdicts, map[string]float64{east: 1, west: 1}) {
		t.Errorf("verdicts %v, published %v", verdicts, w.published)
	}
	if keep := w.kept[region.VerdictKey(east)]; keep < region.Fresh {
		t.Errorf("a verdict is kept for %s, and counts for %s", keep, region.Fresh)
	}
}

func TestAnObserverAnnouncesItsOwnEndpointEverywhereForGood(t *testing.T) {
	t.Parallel()
	w := newWorld()
	if _, err := w.observer(west).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{east, west} {
		var e observe.Endpoint
		if err := json.Unmarshal(w.docs[table+"|"+observe.EndpointKey(west)][observe.EndpointSort], &e); err != nil || e.URL != "https://own" || !e.At.Equal(at) {
			t.Errorf("in %s: %+v, %v", table, e, err)
		}
	}
	if w.kept[observe.EndpointKey(west)] != 0 {
		t.Error("the endpoint of a region that is gone must not be forgotten")
	}
}

func TestTheWitnessAnnouncesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	if _, err := w.observer(witness).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.docs[east+"|"+observe.EndpointKey(witness)]; ok {
		t.Error("the witness serves nothing")
	}
}

// A dead region's own table cannot be written: the verdict on it must reach the others, and be an objection.
func TestADeadRegionIsToldToTheLiving(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.dead[east] = true
	w.probed["https://east/v1/health"] = errDown
	verdicts, err := w.observer(witness).Run(t.Context())
	if !errors.Is(err, errDown) {
		t.Errorf("what could not be written must be said: %v", err)
	}
	if v, ok := w.stored(t, west, east, witness); !ok || v.Healthy {
		t.Errorf("the living region has %+v, %v", v, ok)
	}
	if verdicts[east].Healthy || !verdicts[west].Healthy {
		t.Errorf("%+v", verdicts)
	}
	if !maps.Equal(w.published.Verdicts, map[string]float64{east: 0, west: 1}) {
		t.Errorf("published %v", w.published)
	}
}

// A region that swallows packets must delay the verdicts on the others by no more than their freshness can bear.
func TestASwallowingRegionDoesNotSilenceAnObserver(t *testing.T) {
	t.Parallel()
	for _, from := range []string{witness, west} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.swallows[east] = true
			start := time.Now()
			verdicts, err := w.observer(from).Run(t.Context())
			if err == nil {
				t.Error("half of it was not written")
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
			if v, ok := w.stored(t, west, west, from); !ok || !v.Healthy {
				t.Errorf("the region that is well has %+v, %v", v, ok)
			}
			if w.published.Verdicts == nil || !verdicts[west].Healthy {
				t.Errorf("published %v, verdicts %v", w.published, verdicts)
			}
		})
	}
}

func TestAMuteMetricLosesNoVerdict(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.mute = errDown
	verdicts, err := w.observer(witness).Run(t.Context())
	if !errors.Is(err, errDown) || len(verdicts) != 2 {
		t.Errorf("%v, %v", verdicts, err)
	}
	if _, ok := w.stored(t, east, west, witness); !ok {
		t.Error("the verdict is not in the table")
	}
}
