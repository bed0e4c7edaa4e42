package mutants

// safety are the guards that keep an effect from being sent.
func safety() []mutant {
	const act, decide, loop, rule, sweep = "internal/act/", "internal/decide/", "internal/loop/", "internal/rule/", "internal/sweep/"
	return []mutant{
		{"a rule in shadow sends nothing", act + "guard_shadow.go", "e.Shadow && e.Undoes == \"\"", "e.Shadow && false", ""},
		{"what was done before the shadow is taken back", act + "guard_shadow.go", "e.Shadow && e.Undoes == \"\"", "e.Shadow", ""},
		{"a silence suppresses what it covers", act + "guard_silence.go", "if covered {", "if covered && false {", ""},
		{"an undo is never silenced", act + "guard_silence.go", "l.Claim.Effect.Phase != loop.PhaseDo", "false", ""},
		{"a silence counts as of the acceptance", act + "guard_silence.go", "Silenced(l.Claim.Effect, l.Claim.AcceptedAt)", "Silenced(l.Claim.Effect, l.Claim.UpdatedAt)", ""},
		{"the end of a silence has a lead, too", loop + "silence.go", "end := now.UTC().Add(SilenceLead)", "end := now.UTC()", ""},
		{"a kill switch stops what is not sent yet", act + "guard_kill.go", "if !on {", "if !on || true {", ""},
		{"a kill switch counts as of the send", act + "handler.go", "killStage{controls}, // the last look before the send", "", ""},
		{"what is killed throttles nothing", act + "handler.go", "killStage{controls}, // what it stops throttles nothing and spends nothing", "", ""},
		{"what is killed and may have been applied is parked", act + "guard_kill.go", "case l.Takeover || l.Claim.Attempt > 0:", "case false:", ""},
		{"the undo of what was done is never suppressed", act + "guard_kill.go", "case e.Phase == loop.PhaseUndo:", "case false:", ""},
		{"without controls nothing is claimed", act + "controls.go", "return err == nil, err\n", "return true, nil\n", ""},
		{"the controls are read once a second", act + "controls.go", "return c.known, !c.asked.IsZero() &&", "return c.known, false &&", ""},
		{"effects that come together share a read", act + "controls.go", "c.flight.Do(\"\", func()", "c.flight.Do(fmt.Sprint(new(int)), func()", ""},
		{"a rule has its budget and no more", act + "guard_budget.go", "case !within:", "case !within && false:", ""},
		{"a budget that cannot be reached holds the effect", act + "execute.go", "if l.Again > 0 {", "if false {", ""},
		{"dos of a key are apart", act + "guard_throttle.go", "e.Throttle.Std()); by != nil {", "e.Throttle.Std()); by != nil && false {", ""},
		{"all steps of a decision are let through, or none", loop + "throttle.go", "case p.DecisionID == decisionID:", "case false:", ""},
		{"what is throttled spends no budget", act + "handler.go", "throttleStage{throttles: c.Throttles, now: c.Now},", "", ""},
		{"an effect waits for its approval", act + "guard_approval.go", "l.Claim.ApprovedBy == \"\"", "false", ""},
		{"nothing lands instead of what waits for approval", act + "emit.go", "&& l.Claim.GivenUp", "", ""},
		{"a rule that makes things worse stops itself", act + "guard_regression.go", "if err != nil || within {", "if err != nil || within || true {", ""},
		{"what a signal follows came before it", loop + "throttle.go", "p.AcceptedAt.Before(at) && at.Sub", "at.Sub", ""},
		{"what was not done is not verified", act + "emit.go", "l.Status == loop.StatusDone && e.Verify", "e.Verify", ""},
		{"a fallback is verified in place of what it replaces", act + "emit.go", "fallback.Verify = l.Claim.Effect.Verify", "_ = fallback", ""},
		{"a silence covers what is done else", act + "guard_silence.go", " && phase != loop.PhaseElse", "", ""},
		{"what comes too late proves nothing", decide + "verify.go", "&& e.Pos.Time.Before(c.data.Until)", "", "Else|Verification"},
		{"what is older than the do proves nothing", decide + "verify.go", "&& e.Value > float64(c.data.After.UnixMilli())", "", "Else|Verification"},
		{"a verification whose proofs are forgotten does nothing", decide + "verify.go", "> c.program.Overdue() {", "> 1<<62 {", "Else|Verification"},
		{"a verification waits for what was accepted in time", rule + "verify.go", "Settle: p.set.settle, ", "", ""},
		{"the present hour's budget is not deleted", sweep + "judge.go", "now.After(l.Last.Add(loop.ClaimKeep))", "true", ""},
	}
}
