package mem

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Controls is the silences and kill switches of a deployment: one linearizable record for all regions.
type Controls struct {
	mu    sync.Mutex
	kept  *kept[loop.Controls] // nil for nothing
	fault Fault
}

// NewControls returns an empty record; fault may be nil.
func NewControls(fault Fault) *Controls { return &Controls{fault: fault} }

// ControlsView is what act needs of the record, and what a person's command does to it.
type ControlsView interface {
	act.Controls
	// Store stores next with Rev+1 if the stored Rev is next.Rev; otherwise loop.ErrConflict.
	Store(ctx context.Context, next loop.Controls) error
}

// In returns the record as region sees it.
func (s *Controls) In(region string) ControlsView { return controlsView{s, region} }

type controlsView struct {
	*Controls
	region string
}

// call says claims for the service: it is a record of that table.
func (v controlsView) call(ctx context.Context, name string, do func() error) error {
	err := v.fault.call(ctx, Op{Service: "claims", From: v.region, Region: v.region, Name: name, Key: "controls"}, func() error {
		v.mu.Lock()
		defer v.mu.Unlock()
		return do()
	})
	if err != nil {
		return fmt.Errorf("%s controls: %w", name, err)
	}
	return nil
}

// Peek returns the record as it stands, for the books of a simulation: no fault is asked.
func (s *Controls) Peek() (loop.Controls, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return controlsView{s, ""}.read()
}

func (v controlsView) read() (c loop.Controls, err error) {
	if v.kept == nil {
		return c, nil
	}
	c, err = v.kept.get()
	c.Kills, c.Silences, c.Log = slices.Clone(c.Kills), slices.Clone(c.Silences), slices.Clone(c.Log)
	return c, err
}

// Load implements act.Controls.
func (v controlsView) Load(ctx context.Context) (c loop.Controls, err error) {
	err = v.call(ctx, "Load", func() error {
		c, err = v.read()
		return err
	})
	return c, err
}

// Store implements ControlsView.
func (v controlsView) Store(ctx context.Context, next loop.Controls) error {
	return v.call(ctx, "Store", func() error {
		stored, err := v.read()
		if err != nil {
			return err
		}
		if stored.Rev != next.Rev {
			return loop.ErrConflict
		}
		next.Rev++
		doc, err := loop.Marshal(next)
		if err != nil {
			return err
		}
		v.kept = &kept[loop.Controls]{doc: doc}
		return nil
	})
}
