package mem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/sweep"
)

// Limits is the budgets and throttles of a deployment: one linearizable store for all regions.
type Limits struct {
	mu        sync.Mutex
	budgets   map[string]map[string]bool // by their key in `claims`: the effects
	throttles map[string][]byte
	fault     Fault
}

// NewLimits returns an empty store; fault may be nil.
func NewLimits(fault Fault) *Limits {
	return &Limits{budgets: map[string]map[string]bool{}, throttles: map[string][]byte{}, fault: fault}
}

// Budgets are the budgets as region sees them.
func (s *Limits) Budgets(region string) act.Budgets { return budgetsView{s, region} }

// Throttles are the throttles as region sees them.
func (s *Limits) Throttles(region string) act.Throttles { return throttlesView{s, region} }

// call says claims for the service: these are records of that table.
func (s *Limits) call(ctx context.Context, region, name, key string, do func() error) error {
	err := s.fault.call(ctx, Op{Service: "claims", From: region, Region: region, Name: name, Key: key}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		return do()
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", name, key, err)
	}
	return nil
}

type budgetsView struct {
	*Limits
	region string
}

// Spend implements act.Budgets.
func (v budgetsView) Spend(ctx context.Context, key, id string, most int) (within bool, err error) {
	err = v.call(ctx, v.region, "Spend", key, func() error {
		set := v.budgets[key]
		if within = set[id] || len(set) < most; !within {
			return nil
		}
		if set == nil {
			set = map[string]bool{}
			v.budgets[key] = set
		}
		set[id] = true
		return nil
	})
	return within && err == nil, err
}

// Refund implements act.Budgets.
func (v budgetsView) Refund(ctx context.Context, key, id string) error {
	return v.call(ctx, v.region, "Refund", key, func() error {
		delete(v.budgets[key], id)
		return nil
	})
}

type throttlesView struct {
	*Limits
	region string
}

func (v throttlesView) read(ruleID, key string) (loop.Throttle, error) {
	t := loop.Throttle{RuleID: ruleID, Key: key}
	doc, ok := v.throttles[loop.ThrottleKey(ruleID, key)]
	if !ok {
		return t, nil
	}
	return t, json.Unmarshal(doc, &t)
}

// Get implements act.Throttles.
func (v throttlesView) Get(ctx context.Context, ruleID, key string) (t loop.Throttle, err error) {
	err = v.call(ctx, v.region, "Get", loop.ThrottleKey(ruleID, key), func() (err error) {
		t, err = v.read(ruleID, key)
		return err
	})
	return t, err
}

// Put implements act.Throttles.
func (v throttlesView) Put(ctx context.Context, t loop.Throttle) error {
	key := loop.ThrottleKey(t.RuleID, t.Key)
	return v.call(ctx, v.region, "Put", key, func() error {
		stored, err := v.read(t.RuleID, t.Key)
		if err != nil {
			return err
		}
		if stored.Rev != t.Rev {
			return loop.ErrConflict
		}
		t.Rev++
		v.throttles[key], err = loop.Marshal(t)
		return err
	})
}

// all is what a sweep sees.
func (s *Limits) all() ([]sweep.Limit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []sweep.Limit
	for key := range s.budgets {
		hour, err := loop.BudgetHour(key)
		if err != nil {
			return nil, err
		}
		all = append(all, sweep.Limit{Key: key, Last: hour})
	}
	for key, doc := range s.throttles {
		var t loop.Throttle
		if err := json.Unmarshal(doc, &t); err != nil {
			return nil, err
		}
		all = append(all, sweep.Limit{Key: key, Last: t.Last()})
	}
	return all, nil
}

// DeleteLimit implements sweep.Table.
func (t ClaimsTable) DeleteLimit(ctx context.Context, l sweep.Limit) error {
	return t.limits.call(ctx, t.region, "Delete", l.Key, func() error {
		var have loop.Throttle
		switch doc, throttled := t.limits.throttles[l.Key]; {
		case throttled:
			if err := json.Unmarshal(doc, &have); err != nil || !have.Last().Equal(l.Last) {
				return errors.Join(loop.ErrFenced, err)
			}
		case t.limits.budgets[l.Key] == nil:
			return loop.ErrFenced
		}
		delete(t.limits.budgets, l.Key)
		delete(t.limits.throttles, l.Key)
		return nil
	})
}
