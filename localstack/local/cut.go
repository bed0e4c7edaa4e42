package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"golang.org/x/sync/errgroup"
)

// stopped is what Cut switched off in a region and Heal has to switch on again.
type stopped struct {
	Mappings  []string   `json:"mappings,omitempty"`  // UUIDs
	Schedules []schedule `json:"schedules,omitempty"` // EventBridge Scheduler
	Rules     []busRule  `json:"rules,omitempty"`     // EventBridge
}

// Cut makes a region dead, for clients and for its own functions.
//
// The edge refuses every call to it and every call of a function that runs in it. But what
// starts functions (event source mappings, schedules, rules) works inside the emulator and
// never passes the edge, so these are switched off too, and written down for Heal. Cutting
// twice is cutting once.
//
// Replication between the emulator's DynamoDB replicas also happens inside and goes on.
func (s *Site) Cut(ctx context.Context, region string) error {
	path, err := s.cutPath(region)
	if err != nil {
		return err
	}
	if err := s.Edge().CutRegion(ctx, region); err != nil {
		return fmt.Errorf("cut %s: %w", region, err)
	}
	before, err := readStopped(path)
	if err != nil {
		return fmt.Errorf("cut %s: %w", region, err)
	}
	running, err := s.running(ctx, region)
	if err != nil {
		return fmt.Errorf("cut %s: %w", region, err)
	}
	// Written down first: a Cut that dies half way can still be healed.
	if err := writeStopped(path, before.with(running)); err != nil {
		return fmt.Errorf("cut %s: %w", region, err)
	}
	if err := s.turn(ctx, region, running, false); err != nil {
		return fmt.Errorf("cut %s: %w", region, err)
	}
	return nil
}

// Heal undoes Cut: exactly what it switched off is on again. A region that is not cut stays
// as it is.
func (s *Site) Heal(ctx context.Context, region string) error {
	path, err := s.cutPath(region)
	if err != nil {
		return err
	}
	// The way is open before the functions run again, or they would fail at once.
	if err := s.Edge().HealRegion(ctx, region); err != nil {
		return fmt.Errorf("heal %s: %w", region, err)
	}
	off, err := readStopped(path)
	if err != nil {
		return fmt.Errorf("heal %s: %w", region, err)
	}
	if err := s.turn(ctx, region, off, true); err != nil {
		return fmt.Errorf("heal %s: %w", region, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("heal %s: %w", region, err)
	}
	return nil
}

// running finds what is switched on in a region.
func (s *Site) running(ctx context.Context, region string) (stopped, error) {
	var on stopped
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { on.Mappings, err = s.enabledMappings(ctx, region); return err })
	g.Go(func() (err error) { on.Schedules, err = s.enabledSchedules(ctx, region); return err })
	g.Go(func() (err error) { on.Rules, err = s.enabledRules(ctx, region); return err })
	return on, g.Wait()
}

// turn switches all of these on or off. What was deleted meanwhile is passed over. One that
// fails does not cancel the others: a cancelled request may still be carried out, later than
// the Heal that follows.
func (s *Site) turn(ctx context.Context, region string, these stopped, on bool) error {
	var g errgroup.Group
	g.SetLimit(8)
	for _, id := range these.Mappings {
		g.Go(func() error { return s.turnMapping(ctx, region, id, on) })
	}
	for _, one := range these.Schedules {
		g.Go(func() error { return s.turnSchedule(ctx, region, one, on) })
	}
	for _, one := range these.Rules {
		g.Go(func() error { return s.turnRule(ctx, region, one, on) })
	}
	return g.Wait()
}

func (a stopped) with(b stopped) stopped {
	return stopped{
		Mappings:  union(a.Mappings, b.Mappings),
		Schedules: union(a.Schedules, b.Schedules),
		Rules:     union(a.Rules, b.Rules),
	}
}

func union[T comparable](a, b []T) []T {
	all := slices.Clone(a)
	for _, one := range b {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)

// cutPath is where a cut is remembered: cutting and healing are two runs of the command line.
func (s *Site) cutPath(region string) (string, error) {
	if !regionName.MatchString(region) {
		return "", fmt.Errorf("%q is not a region: give one like us-west-2", region)
	}
	return filepath.Join(s.Dir, ".local", "cut-"+region+".json"), nil
}

func readStopped(path string) (stopped, error) {
	var st stopped
	text, err := os.ReadFile(path) //nolint:gosec // the path is ours
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil
	}
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal(text, &st); err != nil {
		return st, fmt.Errorf("%s is damaged, remove it and deploy again: %w", path, err)
	}
	return st, nil
}

func writeStopped(path string, st stopped) error {
	text, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}
