package decide

import "example.com/unbroken/internal/rule"

// regression lets act count a signal that its rule calls worse. Whether it follows something that the rule did is
// act's to find out: it knows what was let through.
func regression(p *rule.Program, w *work, event *rule.Event, out *found) (bool, error) {
	if !p.Guarded() || !p.Match(event) {
		return false, nil
	}
	worse, err := p.Worse(event)
	if err != nil || !worse {
		return false, err
	}
	key, err := p.Key(event)
	if err != nil {
		return false, err
	}
	out.decisions = append(out.decisions, decided{w, p.Regression(event, key)})
	return true, nil
}
