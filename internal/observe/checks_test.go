package observe_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"example.com/unbroken/internal/observe"
)

func look(t *testing.T, w *world, from, region string) observe.Verdict {
	t.Helper()
	verdicts, _ := w.observer(from).Run(t.Context()) // what cannot be written is another test's
	return verdicts[region]
}

func TestAnEndpointThatDoesNotAnswerIsAnObjection(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.probed["https://east/v1/health"] = errDown
	v := look(t, w, witness, east)
	c := check(t, v, "endpoint")
	if v.Healthy || c.State != observe.Bad || !c.Votes || c.Detail != errDown.Error() {
		t.Errorf("%+v", v)
	}
}

func TestAnEndpointThatAnswersSaysHowLongItTook(t *testing.T) {
	t.Parallel()
	w := newWorld()
	if c := check(t, look(t, w, witness, east), "endpoint"); c.State != observe.OK || c.Value != "12ms" {
		t.Errorf("%+v", c)
	}
	slices.Sort(w.asked)
	if want := []string{"https://east/v1/health", "https://west/v1/health"}; !slices.Equal(w.asked, want) {
		t.Errorf("asked %v", w.asked)
	}
}

// Missing data pages, it never votes: an endpoint that nobody announced is not one that is down.
func TestWhatCannotBeLookedUpIsUnknownAndNoObjection(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(*world){
		"never announced": func(w *world) {
			delete(w.docs, east+"|"+observe.EndpointKey(east))
			delete(w.docs, west+"|"+observe.EndpointKey(east))
		},
		"announced in another form": func(w *world) { w.announce(east, east, `"x"`); w.announce(west, east, `[]`) },
		"announced without a URL":   func(w *world) { w.announce(east, east, `{}`); w.announce(west, east, `{"url":""}`) },
		"no table answers":          func(w *world) { w.dead[east], w.dead[west] = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			arrange(w)
			v := look(t, w, witness, east)
			if c := check(t, v, "endpoint"); c.State != observe.Unknown || c.Detail == "" || !v.Healthy {
				t.Errorf("%+v", v)
			}
			if slices.ContainsFunc(w.asked, func(u string) bool { return strings.Contains(u, "east") }) {
				t.Errorf("asked %v", w.asked)
			}
		})
	}
}

// The survivors must still find the endpoint of a region whose own table is gone, or they could never object.
func TestTheEndpointOfADeadRegionIsFoundInAnotherTable(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(*world){
		"its table is dead":         func(w *world) { w.dead[east] = true },
		"its table holds something": func(w *world) { w.announce(east, east, `null`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			arrange(w)
			if c := check(t, look(t, w, witness, east), "endpoint"); c.State != observe.OK {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestTheNearestTableIsAskedFirst(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.announce(west, east, `{"url":"https://as-west-knows-it"}`)
	look(t, w, west, east)
	if !slices.Contains(w.asked, "https://as-west-knows-it/v1/health") {
		t.Errorf("asked %v", w.asked)
	}
}

func TestTheOwnEndpointNeedsNoTable(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.dead[east], w.dead[west] = true, true
	if c := check(t, look(t, w, east, east), "endpoint"); c.State != observe.OK || !slices.Contains(w.asked, "https://own/v1/health") {
		t.Errorf("%+v, asked %v", c, w.asked)
	}
}

// A poison message in one region's dead-letter queue is no reason to send all traffic to the other.
func TestDeadLettersPageAndDoNotVote(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.letters[east+"|"+deadLetters] = 3
	v := look(t, w, witness, east)
	c := check(t, v, deadLetters)
	if c.State != observe.Bad || c.Value != "3" || c.Votes || c.Detail == "" || !v.Healthy {
		t.Errorf("%+v", v)
	}
	if c := check(t, look(t, w, witness, west), deadLetters); c.State != observe.OK || c.Value != "0" {
		t.Errorf("the other region has %+v", c)
	}
}

func TestAQueueThatCannotBeMeasuredIsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.dead[east] = true
	v := look(t, w, witness, east)
	if c := check(t, v, deadLetters); c.State != observe.Unknown || c.Value != "" || c.Detail == "" {
		t.Errorf("%+v", c)
	}
	if !v.Healthy {
		t.Error("missing data voted")
	}
}

func TestARunThatIsEndedStillAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.swallows[east] = true
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if verdicts, err := w.observer(witness).Run(ctx); err == nil || len(verdicts) != 2 {
		t.Errorf("%v, %v", verdicts, err)
	}
}
