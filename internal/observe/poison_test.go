package observe_test

import (
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/localstack/edge/sqsmetrics"
)

// The messages of a queue as SQS measures them, by the stand-in that does so as AWS documents it: canaries come and go,
// and one message is received every two minutes and never deleted. From its third receive on the age does not show it.
func TestPoisonThatHidesFromTheAgeIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.turn(witness)
	start := w.now.Add(-30 * time.Minute)
	var ages, in, out observe.Series // newest first
	receives := map[string]int{}
	for m := range 30 {
		now := start.Add(time.Duration(m) * time.Minute)
		poison := sqsmetrics.Message{ID: "poison", Sent: start, VisibleAt: now, Received: m / 2}
		got, gone, after := sqsmetrics.Flow(receives, []sqsmetrics.Message{poison})
		receives = after
		depths := sqsmetrics.Measure([]sqsmetrics.Message{poison}, nil, now)
		ages = append(observe.Series{depths.Oldest.Seconds()}, ages...)
		in, out = append(observe.Series{float64(got + 2)}, in...), append(observe.Series{float64(gone + 2)}, out...)
	}
	w.series[east+"|signals|"+ageMetric], w.series[east+"|signals|"+received], w.series[east+"|signals|"+deleted] = ages[:10], in[:10], out[:10]
	v := look(t, w, witness, east)
	if c := check(t, v, "signals-age"); c.State != observe.OK {
		t.Errorf("the test is about what the age hides: %+v", c)
	}
	if c := check(t, v, "signals-failing"); c.State != observe.Bad || c.Value != "5 of 25" {
		t.Errorf("%+v", c)
	}
	// After twenty receives SQS makes it a dead letter, and that is found too.
	w.letters[east+"|"+deadLetters] = 1
	if c := check(t, look(t, w, witness, east), deadLetters); c.State != observe.Bad {
		t.Errorf("%+v", c)
	}
}

// One message that nobody can handle is a small share of what a busy queue gives out; so is it of an idle one that hides
// it for long. Then it is found when it has been received twenty times: after as many times the queue's visibility.
func TestPoisonThatIsASmallShareIsADeadLetterInTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		queue      string
		visibility time.Duration
		perMinute  int // canaries and other messages, all handled
		failing    observe.State
	}{
		"signals, idle":          {loop.QueueSignals, 90 * time.Second, 4, observe.Bad},
		"signals, 60 a minute":   {loop.QueueSignals, 90 * time.Second, 64, observe.OK},
		"actions, idle":          {loop.QueueActions, 120 * time.Second, 4, observe.Bad},
		"actions, idle and slow": {loop.QueueActions, 150 * time.Second, 4, observe.OK},
		"actions, 60 a minute":   {loop.QueueActions, 150 * time.Second, 64, observe.OK},
	} {
		w := newWorld()
		w.turn(witness)
		w.now = w.now.Add(-time.Hour)
		q := mem.NewQueues(mem.QueuesConfig{Now: func() time.Time { return w.now }, Visibility: c.visibility, MaxReceive: 20})
		send := func(body string) {
			if err := q.From(east).Send(t.Context(), east, c.queue, []loop.Outgoing{{Body: []byte(body)}})[0]; err != nil {
				t.Fatal(err)
			}
		}
		send("poison")
		began, buried, judged := w.now, time.Duration(0), 0
		looked := func() observe.Verdict {
			o := w.observer(witness)
			o.Depths = q
			for _, table := range []string{east, west} {
				w.canary(table, east, 10*time.Second)
			}
			v, err := o.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return v[east]
		}
		var in, out observe.Series // newest first
		for minute := range 55 {
			got, gone := 0, 0
			for second := range 60 {
				for range (second+1)*c.perMinute/60 - second*c.perMinute/60 {
					send("well")
				}
				for _, d := range q.Receive(east, c.queue, 10) {
					if got++; string(d.Body) == "well" {
						q.Ack(east, c.queue, d.Receipt)
						gone++
					}
				}
				w.now = w.now.Add(time.Second)
			}
			in, out = append(observe.Series{float64(got)}, in...), append(observe.Series{float64(gone)}, out...)
			if len(in) < 10 {
				continue
			}
			w.series[east+"|"+c.queue+"|"+received], w.series[east+"|"+c.queue+"|"+deleted] = in[:10], out[:10]
			v := looked()
			for _, one := range v.Checks { // it is this observer's turn every quarter of an hour
				if one.Name == c.queue+"-failing" && one.At.Equal(w.now) && minute < 20 {
					if judged++; one.State != c.failing {
						t.Errorf("%s: after %s: %+v", name, w.now.Sub(began), one)
					}
				}
			}
			if buried == 0 && check(t, v, loop.DeadLetter(c.queue)).State == observe.Bad {
				buried = w.now.Sub(began)
			}
		}
		if within := 20*c.visibility + time.Minute; judged == 0 || buried == 0 || buried > within {
			t.Errorf("%s: a dead letter after %s, want one within %s", name, buried, within)
		}
	}
}
