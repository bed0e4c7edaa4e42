package sim

// Shrink drops faults, orders and signals from a plan that fails, greedily and one at a time, until nothing more can go
// without the failure going too. Signals go in halves first, for there are many. The failure must stay of the same
// promise; tries bounds the runs.
func Shrink(p Plan, o Options, tries int) Plan {
	promise := func(p Plan) string {
		if r := Run(p, o); r.Failed() {
			return r.Violations[0][:2]
		}
		return ""
	}
	o.Trace = false
	want := promise(p)
	if want == "" {
		return p // it does not fail
	}
	fails := func(q Plan) bool {
		tries--
		return tries >= 0 && promise(q) == want
	}
	for shrunk := true; shrunk && tries > 0; {
		shrunk = false
		for i := len(p.Faults) - 1; i >= 0; i-- {
			q := p
			if q.Faults = without(p.Faults, i, i+1); fails(q) {
				p, shrunk = q, true
			}
		}
		for i := len(p.Orders) - 1; i >= 0; i-- {
			q := p
			if q.Orders = without(p.Orders, i, i+1); fails(q) {
				p, shrunk = q, true
			}
		}
		for size := len(p.Signals) / 2; size >= 1; size /= 2 {
			for from := len(p.Signals) - size; from >= 0; from -= size {
				q := p
				if q.Signals = without(p.Signals, from, from+size); fails(q) {
					p, shrunk = q, true
				}
			}
		}
	}
	return p
}
