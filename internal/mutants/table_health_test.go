package mutants

// health are the guards that keep monitors from taking the loop down.
func health() []mutant {
	const act, decide, region, ingest, observe, outputs = "internal/act/", "internal/decide/", "internal/region/", "internal/ingest/", "internal/observe/", "internal/outputs/"
	return []mutant{
		{"one observer drains nothing", region + "region.go", "Quorum = 2 ", "Quorum = 1 ", ""},
		{"a verdict counts while it is fresh", region + "region.go", "return now.Sub(at).Abs() <= Fresh", "return now.Sub(at) <= Fresh+1000*time.Hour", ""},
		{"one voice holds a failback", region + "region.go", "if heard++; !one.Healthy || now", "if heard++; now", ""},
		{"silence is not health", region + "region.go", "return heard >= Quorum", "return true", ""},
		{"health is sustained before a return", region + "region.go", "|| now.Sub(one.Since) < Sustain", "", ""},
		{"an operator's order is not judged", region + "judge.go", "case s.Pins():", "case false:", ""},
		{"a drain is followed by a dwell", region + "judge.go", "dwelt >= MinDrained &&", "", ""},
		{"a return is followed by a dwell", region + "judge.go", "dwelt >= MinActive &&", "", ""},
		{"the last active region is not drained", region + "judge.go", "&& elsewhere(now, name, views, states):", ":", ""},
		{"regions that observers drained serve when nobody else does", region + "judge.go", "(s.Pins() || elsewhere(now, name, views, states))", "true", ""},
		{"a canary touches no rule", decide + "evaluate.go", "if typ == loop.CanaryType {", "if typ == loop.CanaryType && false {", "TestACanary"},
		{"a kill switch stops no canary", act + "guard_kill.go", "|| e.Target == loop.TargetReceipt", "", "TestACanary"},
		{"a canary that is late is not parked", act + "guard.go", "case e.Target == loop.TargetReceipt && now", "case false && now", "TestACanary"},
		{"a region whose canary is overdue is not whole", outputs + "health.go", "|| now.Sub(r.LandedAt).Abs() > loop.CanaryKeep", "", "TestHealth"},
		{"a drained region is not healthy", outputs + "health.go", "|| region.Refuses", "|| false && region.Refuses", "TestHealth"},
		{"a drained region takes no signals", ingest + "gate.go", "if g.Drained(r.Context()) {", "if false {", "TestADrained"},
		{"a canary that is overdue is an objection", observe + "checks.go", "if age > loop.CanaryKeep {", "if false {", ""},
		{"where operators drain, observers write no state", observe + "state.go", "if views == nil || o.Operator {", "if views == nil {", ""},
		{"after a gap a verdict stands anew", observe + "state.go", "|| v.At.Sub(last.At) > region.Fresh", "", ""},
	}
}
