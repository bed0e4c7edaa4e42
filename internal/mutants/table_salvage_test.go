package mutants

// salvaging are the guards of what is taken from a drained region.
func salvaging() []mutant {
	const salvage = "internal/salvage/"
	return []mutant{
		{"canaries stay in their region", salvage + "stays.go", "return ofCanary(body) //", "return false //", "WhatIsStranded"},
		{"canaries do not stand in the way of signals", salvage + "batch.go", "case queue == loop.QueueInbox && m.late(msg.Body):", "case false:", "DoNotStandInTheWay"},
		{"what stays is given back", salvage + "pass.go", "if len(held) > 0 {\n\t\t//", "if false {\n\t\t//", "OwnDecide"},
		{"what stays is hidden for a short time", salvage + "pass.go", "until = earlier(until, m.Now().Add(aside))", "", "OwnDecide"},
		{"what stays is looked at once in a pass", salvage + "pass.go", "hold = aside + wait + answer + finish + answer + 6*time.Second", "hold = time.Second", "LookedAtOnce"},
		{"looks make no dead letter of what stays", salvage + "batch.go", "case queue != loop.QueueInbox && msg.Receives >= Renew:", "case false:", "OutliveADrain"},
		{"nor where it cannot be renewed", salvage + "run.go", "if p.Worn > 0 {", "if false {", "LeftAlone"},
		{"what is left alone is so ever longer", salvage + "run.go", "rest << (2 * min(p.Worn-Renew, longest))", "rest", "LeftAlone"},
		{"each region has its share of a salvage", salvage + "run.go", "time.Duration(len(due)-i)", "time.Duration(1+0*i)", "HasItsShare"},
		{"each queue has its share", salvage + "run.go", "return now.Add(max(left-time.Duration(toCome)*reserve, left/time.Duration(toCome+1)))", "return now.Add(left)", "HasItsShare"},
		{"what fails at one queue keeps no other", salvage + "run.go", "if p.Worn > 0 {", "if err != nil {\n\t\t\tbreak\n\t\t}\n\t\tif p.Worn > 0 {", "AnErrorAtAQueue"},
		{"no receive is short", salvage + "batch.go", "min(limit, atATime), wait, hold)", "min(limit, atATime), 0, hold)", "NoReceiveIsShort"},
		{"a receive that is swallowed ends", salvage + "batch.go", "context.WithTimeout(ctx, wait+answer)", "context.WithCancel(ctx)", "SwallowsPackets"},
		{"a send that is swallowed leaves time for the deletion", salvage + "batch.go", "context.WithTimeout(ctx, answer)", "context.WithCancel(ctx)", "SwallowsPackets"},
		{"a batch ends", salvage + "batch.go", "context.WithTimeout(context.WithoutCancel(ctx), finish)", "context.WithCancel(context.WithoutCancel(ctx))", "SwallowsPackets"},
		{"giving back ends", salvage + "pass.go", "context.WithTimeout(context.WithoutCancel(ctx), answer)", "context.WithCancel(context.WithoutCancel(ctx))", "SwallowsPackets"},
		{"a table that swallows ends the run", salvage + "run.go", "context.WithTimeout(ctx, answer)", "context.WithCancel(ctx)", "ATableThatSwallows"},
		{"thousands are given back in a second", "internal/queue/drain.go", "group.SetLimit(concurrency)", "group.SetLimit(1)", "AreGivenBack"},
	}
}
