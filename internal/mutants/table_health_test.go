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
		{"a region that is drained again has been drained since it was", region + "region.go", "if !e.Drained.IsZero() {", "if false {", "TestARegionIsDrained"},
		{"what only orders carry is not lost by a flip", region + "region.go", "return strings.HasPrefix(writer, operator) })", "return true })", "TestTheNewestOrder"},
		{"salvage does not wait anew for a drain that is ordered again", "internal/salvage/run.go", "now.Sub(s.DrainedSince())", "now.Sub(s.Since)", "TestOnlyAWell"},
		{"an operator's order is not judged", region + "judge.go", "case s.Pins():", "case false:", ""},
		{"a drain is followed by a dwell", region + "judge.go", "dwelt >= MinDrained &&", "", ""},
		{"a return is followed by a dwell", region + "judge.go", "dwelt >= MinActive &&", "", ""},
		{"the last active region is not drained", region + "judge.go", "&& elsewhere(now, name, views, states):", ":", ""},
		{"regions that observers drained serve when nobody else does", region + "judge.go", "(s.Pins() || elsewhere(now, name, views, states))", "true", ""},
		{"a canary touches no rule", decide + "evaluate.go", "if typ == loop.CanaryType && isCanary(w) {", "if typ == loop.CanaryType && false {", "TestACanary"},
		{"what has a canary's type alone is none", decide + "evaluate.go", "typ == loop.CanaryType && isCanary(w)", "typ == loop.CanaryType", "ACanarysTypeAlone"},
		{"each kind of canary must come through", observe + "checks.go", "|| one.LandedAt.Before(oldest.LandedAt)", "", "TestAChain"},
		{"a kind that never came is no news", observe + "checks.go", "if len(newest) < len(o.Canaries) && c.State != Bad {", "if false {", "TestAChain"},
		{"nothing is signed with a key that nobody knows", "internal/canary/canary.go", "if s.Now().Sub(s.announced) >= loop.CanaryKeyKeep {", "if false {", "TestAKeyIsAnnounced"},
		{"a table that swallows a renewal holds no canary up", "internal/canary/canary.go", "doc := announced{Public: public(s.Key.private), At: now}\n\tctx, cancel := context.WithTimeout(ctx, answered)", "doc := announced{Public: public(s.Key.private), At: now}\n\tctx, cancel := context.WithCancel(ctx)", "WhatIsNotAnswered"},
		{"a queue that swallows its canary holds no other up", "internal/canary/canary.go", "ctx, cancel := context.WithTimeout(ctx, answered)\n\tdefer cancel()\n\treturn errors.Join", "ctx, cancel := context.WithCancel(ctx)\n\tdefer cancel()\n\treturn errors.Join", "WhatIsNotAnswered"},
		{"a kill switch stops no canary", act + "guard_kill.go", "|| e.Target == loop.TargetReceipt", "", "TestACanary"},
		{"a canary that is late is not parked", act + "guard.go", "case e.Target == loop.TargetReceipt && now", "case false && now", "TestACanary"},
		{"a region whose canary is overdue is not whole", outputs + "health.go", "|| now.Sub(r.LandedAt).Abs() > loop.CanaryKeep", "", "TestHealth"},
		{"a drained region is not healthy", outputs + "health.go", "|| region.Refuses", "|| false && region.Refuses", "TestHealth"},
		{"a drained region takes no signals", ingest + "gate.go", "&& g.Drained(r.Context()) {", "&& false {", "TestADrainedRegionSends"},
		{"a canary that is overdue is an objection", observe + "checks.go", "c.say(age > o.Bounds.ReceiptAge.Std(),", "c.say(false,", ""},
		{"where operators drain, observers write no state", observe + "state.go", "if o.Operator { // observers write nothing", "if o.Operator && false {", ""},
		{"after a gap a verdict stands anew", observe + "state.go", "gap := v.At.Sub(last.At) > region.Fresh", "gap := false", ""},
		{"what an observer cannot see is no objection", observe + "observe.go", "c.Votes && c.State == Bad", "c.Votes && c.State != OK", ""},
		{"metrics are read by one observer at a time", observe + "metrics.go", "o.All[turn%int64(len(o.All))] == o.Region && last.Before(slot)", "turn >= 0 && last.Before(slot)", ""},
		{"a queue that keeps no data is not well", observe + "metrics.go", "if len(age)+len(visible)+len(received)+len(deleted) == 0 {", "if false {", ""},
		{"what is told is not told again", observe + "findings.go", "case f.state == Bad && !open:", "case f.state == Bad:", ""},
		{"what cannot be seen has not recovered", observe + "findings.go", "case f.state == OK && open:", "case f.state != Bad && open:", ""},
		{"a region that is ill does not swallow the news", observe + "tell.go", "if !objects && states", "if (objects || !objects) && states", ""},
		{"poison shows in what comes back", observe + "metrics.go", "back >= fewest && back/in > b.ErrorRatio", "false", ""},
	}
}
