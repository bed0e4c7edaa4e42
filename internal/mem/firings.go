package mem

import (
	"context"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// Firings returns the firings that stand in the episodes, as region sees them.
func (s *Episodes) Firings(region string) act.Firings { return firingsView{episodesView{s, region}} }

type firingsView struct{ episodes episodesView }

// Get implements act.Firings.
func (v firingsView) Get(ctx context.Context, of loop.RuleKey) ([]loop.Firing, error) {
	e, err := v.episodes.Get(ctx, decide.Ref{RuleID: of.Rule, Key: of.Key})
	return e.Firings, err
}
