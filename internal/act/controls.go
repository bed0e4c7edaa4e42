package act

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"example.com/unbroken/internal/loop"
)

// Controls is what people told the loop to leave undone: one record, on which regions agree.
type Controls interface {
	// Load reads it with strong consistency; the zero value where there is none.
	Load(ctx context.Context) (loop.Controls, error)
}

// controls remembers the record for loop.ControlsAge, counted from before the read. So reading it costs one small
// read a second at most, however many effects land, and those that come together share it.
type controls struct {
	source Controls // nil: nothing is to be left undone
	now    func() time.Time

	flight singleflight.Group
	mu     sync.Mutex
	known  loop.Controls
	asked  time.Time
}

func (c *controls) fresh() (loop.Controls, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known, !c.asked.IsZero() && c.now().Before(c.asked.Add(loop.ControlsAge))
}

// get fails where the record is older than it may be and cannot be read. Then nothing may be sent: it is the same
// table as the claims.
func (c *controls) get(ctx context.Context) (loop.Controls, error) {
	if c.source == nil {
		return loop.Controls{}, nil
	}
	if known, ok := c.fresh(); ok {
		return known, nil
	}
	got, err, _ := c.flight.Do("", func() (any, error) {
		if known, ok := c.fresh(); ok { // another one was faster
			return known, nil
		}
		start := c.now()
		known, err := c.source.Load(ctx)
		if err != nil {
			return loop.Controls{}, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.known, c.asked = known, start
		return known, nil
	})
	if err != nil {
		return loop.Controls{}, fmt.Errorf("read silences and kill switches: %w", err)
	}
	return got.(loop.Controls), nil
}

// last is what was read last, however long ago.
func (c *controls) last() loop.Controls {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known
}

// controlsStage reads the record before the effect is claimed: a holder that cannot know what it must not send would
// only keep the claim from others.
type controlsStage struct{ controls *controls }

func (s controlsStage) Exec(ctx context.Context, l *Landing) (more bool, err error) {
	bounded, cancel := patience(ctx, *l.Item.Effect)
	defer cancel()
	l.controls, err = s.controls.get(bounded)
	if err != nil && l.Item.Effect.SendUnclaimed { // whether it can do without its claim, too, is seen next
		l.controls, err = s.controls.last(), nil
	}
	return err == nil, err
}
