package mutants

// salvaging are the guards of what is taken from a drained region.
func salvaging() []mutant {
	const salvage = "internal/salvage/"
	return []mutant{
		{"canaries stay in their region", salvage + "stays.go", "return ofCanary(body) //", "return false //", "WhatIsStranded"},
		{"canaries do not stand in the way of signals", salvage + "stays.go", "return m.lateEvent(body)", "return false", "DoNotStandInTheWay"},
		{"nor where decide or act is dead", salvage + "batch.go", "case m.late(queue, msg.Body, items):", "case queue == loop.QueueInbox && m.late(queue, msg.Body, items):", "AreLateAreDropped"},
		{"canaries that may come through are not dropped", salvage + "stays.go", "m.Now().Sub(it.AcceptedAt) > loop.CanaryKeep", "true", "AreLateAreDropped"},
		{"nor is what travels with them", salvage + "stays.go", "return len(items) > 0 && !slices.ContainsFunc(items, func(it loop.Item) bool { return !is(it) })", "return slices.ContainsFunc(items, is)", "AreLateAreDropped"},
		{"what stays is given back", salvage + "pass.go", "if len(held) > 0 {\n\t\t//", "if false {\n\t\t//", "OwnDecide"},
		{"what stays is hidden for a short time", salvage + "pass.go", "until = earlier(until, m.Now().Add(aside))", "", "OwnDecide"},
		{"what stays is looked at once in a pass", salvage + "pass.go", "hold = aside + wait + answer + finish + answer + 6*time.Second", "hold = time.Second", "LookedAtOnce"},
		{"looks make no dead letter of what stays", salvage + "batch.go", "case msg.Receives >= Renew && every(items, m.young):", "case false:", "OutliveADrain"},
		{"nothing is renewed beyond its retention", salvage + "stays.go", "return m.Now().Sub(it.AcceptedAt) < loop.SourceRetention", "return true", "BeyondItsRetention"},
		{"what nobody can read is not renewed", salvage + "batch.go", "every(items, m.young):", "(len(items) == 0 || every(items, m.young)):", "BeyondItsRetention"},
		{"old copies are deleted before they are dead letters", salvage + "batch.go", "case msg.Receives >= Renew && every(items, m.past):", "case false:", "LivesForEver"},
		{"only copies are deleted for their age", salvage + "stays.go", "return it.Standby && !it.AcceptedAt.IsZero()", "return !it.AcceptedAt.IsZero()", "BeyondItsRetention"},
		{"nor where it cannot be renewed", salvage + "run.go", "w.rest(at, now, p.Done)", "", "LeftAlone"},
		{"what is left alone is so ever longer", salvage + "run.go", "rest << (2 * min(d.Worn-Renew, longest))", "rest", "LeftAlone"},
		{"one failure does not switch salvage off", salvage + "run.go", "if w.failed[at] > 1 {", "if true {", "CostsAMinute"},
		{"nor do some that are not in a row", salvage + "run.go", "delete(w.failed, at)", "", "CostsAMinute"},
		{"a failure is of what failed", salvage + "batch.go", "b.worn(s.going[i])", "b.worn(append(s.old, s.going...)...)", "OfWhatFailed"},
		{"each region has its share of a salvage", salvage + "run.go", "time.Duration(len(due)-i)", "time.Duration(1+0*i)", "HasItsShare"},
		{"each queue has its share", salvage + "run.go", "return now.Add(max(left-time.Duration(toCome)*reserve, left/time.Duration(toCome+1)))", "return now.Add(left)", "HasItsShare"},
		{"what fails at one queue keeps no other", salvage + "run.go", "w.rest(at, now, p.Done)", "w.rest(at, now, p.Done)\n\t\tif err != nil {\n\t\t\tbreak\n\t\t}", "AnErrorAtAQueue"},
		{"no receive is short", salvage + "batch.go", "min(limit, atATime), wait, hold)", "min(limit, atATime), 0, hold)", "NoReceiveIsShort"},
		{"a receive that is swallowed ends", salvage + "batch.go", "context.WithTimeout(ctx, wait+answer)", "context.WithCancel(ctx)", "SwallowsPackets"},
		{"a send that is swallowed leaves time for the deletion", salvage + "batch.go", "context.WithTimeout(ctx, answer)", "context.WithCancel(ctx)", "SwallowsPackets"},
		{"a batch ends", salvage + "batch.go", "context.WithTimeout(context.WithoutCancel(ctx), finish)", "context.WithCancel(context.WithoutCancel(ctx))", "SwallowsPackets"},
		{"giving back ends", salvage + "pass.go", "context.WithTimeout(context.WithoutCancel(ctx), answer)", "context.WithCancel(context.WithoutCancel(ctx))", "SwallowsPackets"},
		{"a table that swallows ends the run", salvage + "run.go", "context.WithTimeout(ctx, answer)", "context.WithCancel(ctx)", "ATableThatSwallows"},
		{"thousands are given back in a second", "internal/queue/drain.go", "group.SetLimit(concurrency)", "group.SetLimit(1)", "AreGivenBack"},
	}
}
