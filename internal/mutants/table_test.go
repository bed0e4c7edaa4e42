package mutants

import "slices"

// mutant is a guard that is taken away.
type mutant struct {
	guard    string // what it prevents
	file     string
	old, new string
	run      string // the tests of its package that may notice; all where empty
}

func table() []mutant {
	const act, decide, ingest, loop, rule, webhook = "internal/act/", "internal/decide/", "internal/ingest/", "internal/loop/", "internal/rule/", "internal/webhook/"
	return append(slices.Concat(safety(), doors(), salvaging(), health(), groups()), []mutant{
		{"moving a byte between two fields changes an id", loop + "id.go", "buf = binary.BigEndian.AppendUint32(buf, uint32(len(f)))", "_ = binary.BigEndian", ""},
		{"a claim in force is waited for", act + "claim.go", "case !stored.Deadline.Before(start):", "case false:", ""},
		{"notBefore is obeyed", act + "claim.go", "case stored.NotBefore.After(start):", "case false:", ""},
		{"a lost answer of the claim is read, not guessed", act + "claim.go", "stored, err = s.read(ctx, want.EffectID, err)\n", "stored, opened, err = want, true, nil\n", ""},
		{"a lost answer of a takeover is read, not guessed", act + "claim.go", "now, rerr := s.read(ctx, next.EffectID, err)", "now, rerr := next, error(nil)", ""},
		{"every holder has a token of its own", act + "claim.go", "l.Owner, stored.Token+1,", "l.Owner, stored.Token,", ""},
		{"a takeover forgets the orderly return of another", act + "claim.go", "next.NotBefore = time.Time{}", "_ = 0", ""},
		{"a commit needs the token of its claim", act + "commit.go", "err := s.claims.Swap(ctx, next, l.Claim.Token)", "stored, _ := s.claims.Get(ctx, next.EffectID)\n\terr := s.claims.Swap(ctx, next, stored.Token)", ""},
		{"a lost answer of the commit is read, not guessed", act + "commit.go", "if err = s.settle(ctx, l, &next, err); err != nil {", "if err = nil; err != nil {", ""},
		{"once is not sent after a holder that vanished", act + "guard.go", "case e.Class == loop.ClassOnce && l.Takeover:", "case false:", ""},
		{"keyed is not sent past the horizon of its key", act + "guard.go", "case e.Class == loop.ClassKeyed && (", "case false && (", ""},
		{"what expired is not started", act + "guard.go", "case now.After(l.Claim.ExpiresAt()):", "case false:", ""},
		{"an undo waits for its do", act + "guard.go", "if e.Undoes != \"\" {", "if false {", ""},
		{"once is not sent after an answer that was lost", act + "execute.go", "l.Status, l.Evidence = loop.StatusParked, \"may have", "l.Again, l.Evidence = 1, \"may have", ""},
		{"set is read back only when its request can no longer land", act + "execute.go", "max(s.backoff.after(l, answer.RetryAfter, s.now()), l.Claim.Deadline.Sub(s.now()))", "s.backoff.after(l, answer.RetryAfter, s.now())", ""},
		{"a holder out of time does not send", act + "execute.go", "if left <= 0 {", "if false {", ""},
		{"a slow table is asked less and less", act + "execute.go", "l.giveBack(errLate)", "l.hold(waitMargin, errLate.Error())", ""},
		{"who loses a takeover waits for the winner", act + "claim.go", "l.Again = max(now.Deadline.Sub(start), 0) + waitMargin", "l.Again = waitMargin", ""},
		{"a standby copy leaves the output in its region, too", act + "output.go", "if !l.Item.Standby {", "if true {", ""},
		{"an outcome of a standby copy is a standby's", act + "emit.go", "Standby: l.Item.Standby, Hops: l.Item.Hops + 1,", "Hops: l.Item.Hops + 1,", ""},
		{"causation ends after eight hops", act + "emit.go", "|| l.Item.Hops >= loop.MaxHops", "", ""},
		{"an unknown version comes again", act + "handler.go", "if env.V != loop.EnvelopeVersion {", "if false {", ""},
		{"the messages of a batch do not wait for each other", act + "handler.go", "group.SetLimit(Concurrency)", "group.SetLimit(1)", ""},
		{"an effect that fails is sent again before its message is acknowledged", act + "handler.go", "if err := h.cfg.Queue.Send(ctx, h.cfg.Region, loop.QueueActions, []loop.Outgoing{again})[0]; err != nil {", "if err := error(nil); err != nil && again.Body != nil {", ""},
		{"a transition that a peer sent is put on this region's queue, too", decide + "pending.go", "if slices.Contains(t.SentBy, k.region) {\n\t\t\tcontinue", "if !t.Pending() {\n\t\t\tcontinue", ""},
		{"a rule that is through does not run again with one that failed", decide + "evaluate.go", "if len(w.item.Left) > 0 && !slices.Contains(w.item.Left, p.ID()) {", "if false {", "Retried"},
		{"an item that is tried again starts its timer once", decide + "evaluate.go", "|| slices.Contains(w.item.Timers, id)", "", "Retried"},
		{"what a standby copy starts waits for the copies of others", decide + "timer.go", "Signal: raw, Standby: t.by.item.Standby}", "Signal: raw}", "WhoHas"},
		{"a region without copies gets no timer of the key", decide + "timer.go", "k.cfg.Peer != \"\" && t.mirror {", "k.cfg.Peer != \"\" {", "WhoHas"},
		{"pending effects are never forgotten", decide + "pending.go", "if t.Pending() {\n\t\t\treturn false", "if t.Pending() {\n\t\t\treturn true", ""},
		{"the entries are read again after they were put", decide + "episode.go", "j := judged{entries: merge(seen.Entries), lateness", "j := judged{entries: merge(slices.Concat(known.Entries, inTime)), lateness", ""},
		{"a tick without its signal tells nothing of the past", decide + "revise.go", "return !j.entries[i].Tick || slices.ContainsFunc(j.entries[:i], func(e Entry) bool { return !e.Tick })", "return true || !j.entries[i].Tick", "TickWithoutItsSignal"},
		{"the past is not told without what a region has not got yet", decide + "revise.go", "&& j.knows(e, first)", "", "NotReplicatedYet"},
		{"transitions go forward in event time only", decide + "revise.go", "if entry.Pos.After(e.Last) && state != open {", "if state != open {", ""},
		{"one signal counts once in a window", decide + "fold.go", "if _, alike := seen[begins]; alike &&", "if _, alike := seen[begins]; alike && false &&", ""},
		{"signals whose keys begin alike are two", decide + "fold.go", "alike && slices.ContainsFunc(kept, func(k Entry) bool { return k.Pos.SignalKey == e.Pos.SignalKey })", "alike && len(kept) > 0", "KeysBeginAlike"},
		{"policy all wants both copies", ingest + "copies.go", "case !lenient || own[i] != nil && holder == \"\":", "case own[i] != nil && holder == \"\":", ""},
		{"a copy that only the peer has does not wait there", ingest + "copies.go", "if len(alone[peer]) > 0 {", "if false {", ""},
		{"a queue that hangs does not hang the producer", ingest + "copies.go", "case <-ctx.Done():", "case <-(chan int)(nil):", ""},
		{"a clock that is wrong is refused", ingest + "accept.go", "skew > most {", "false {", ""},
		{"an expression's cost is bounded", rule + "cel.go", "options = append(options, cel.CostLimit(costLimit), cel.CostTracking(sizedCost{}))", "_ = 0", ""},
		{"what can grow is counted", rule + "cel_small.go", "return literal(args[0]) || literal(args[1])", "return true", "NotCounted"},
		{"a key outlives the bytes of its signal", rule + "program.go", "strings.Clone(ev.Subject())", "strings.Clone(\"\") + ev.Subject()", "AKeyOutlives"},
		{"a member of another type is compared by CEL", rule + "cel_quick.go", "if c.isText {\n\t\t\t\treturn false, false\n\t\t\t}", "", "Quick"},
		{"what is no value is left to CEL", rule + "cel_quick.go", "return v, !types.IsError(v)", "return v, true", "Quick"},
		{"a declared type is held against the rules", rule + "check_rule.go", "c.typed(path, r)", "", "DeclaredTypes"},
		{"numbers of two types are equal or not", rule + "cel_shape.go", "return a == b ||", "return false && a == b ||", "DeclaredTypes"},
		{"an effect that its claim cannot hold is refused", rule + "effect_size.go", "if len(b) > loop.MaxEffectBytes {", "if false {", ""},
		{"a header holds no line break of a signal's choosing", rule + "render.go", "if !headerValue(v) {", "if false {", ""},
		{"no webhook reaches the metadata service or a private network", webhook + "address.go", "if s.prefix.Contains(a) {", "if false {", ""},
		{"a circuit opens after failures in a row", "internal/breaker/breaker.go", "return n.ConsecutiveFailures >= failuresToOpen", "return false", ""},
	}...)
}
