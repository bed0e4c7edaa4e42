package app

import (
	"context"
	"errors"
	"testing"

	"example.com/unbroken/internal/observe"
)

// A heartbeat service that answers only once the run is over: one that came first would wait for ever.
func TestTheHeartbeatGoesBesideTheRun(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]error{"answers": nil, "is down": errors.New("down")} {
		over := make(chan struct{})
		beats, runs := 0, 0
		handler := started(t, "us-east-2").observing(func(context.Context) error {
			<-over
			beats++
			return down
		}, func(context.Context) (map[string]observe.Verdict, error) {
			runs++
			return nil, errors.New("in part")
		}, func(context.Context) error {
			close(over)
			return nil
		})
		if err := handler(t.Context()); err != nil || beats != 1 || runs != 1 {
			t.Errorf("%s: %d beats, %d runs, %v", name, beats, runs, err)
		}
	}
}
