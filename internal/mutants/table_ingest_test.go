package mutants

// doors are the guards at the ways in.
func doors() []mutant {
	const ingest = "internal/ingest/"
	return []mutant{
		{"a credential speaks for its own sources only", ingest + "auth.go", "loop.Covers(g.sources, s.Source) && ", "", "ACredentialSpeaks"},
		{"the inbox takes its own sources only", ingest + "auth.go", " && loop.Covers(in.Sources, s.Source)", "", "TheInboxTakes"},
		{"a secret that cannot be had is not a wrong one", ingest + "auth.go", "if unknown || !known {", "if (unknown || !known) && false {", "ASecretThatCannot"},
		{"a signature grows old", ingest + "auth_hmac.go", "seconds < now.Add(-tolerance).Unix() ||", "", "HMAC"},
		{"a blank secret opens nothing", ingest + "auth_github.go", "len(secret) > 0 && ", "", "ABlankSecret"},
		{"an account's role is not another's", ingest + "auth_iam.go", "parts[4] + \":role/\"", "\":role/\"", "IAM"},
		{"an input has a quota", ingest + "quota.go", "short > 0 {", "short > 0 && false {", "AQuota"},
		{"an input takes what its schema allows only", ingest + "accept.go", "if in.Schema == nil {", "if true {", "DataThatTheSchema"},
		{"a schema that nobody can ask lets nothing in", ingest + "accept.go", "if a.cfg.Schemas == nil {\n\t\treturn loop.Refuse(loop.CodeUnavailable, \"this input's schema is not ready\")\n\t}", "if a.cfg.Schemas == nil {\n\t\treturn nil\n\t}", "SchemaNobody"},
		{"a schema stands alone", "internal/schema/schema.go", "c.UseLoader(nothing{})", "", "WhatIsNoSchema"},
		{"missing notes are no silence", "internal/observe/watcher.go", "if !answered {", "if false {", "SeesNothing"},
		{"one signal is no recovery", "internal/observe/stall.go", "now.Sub(w.Steady) >= max(steadyFor*e.Every, steadyLeast)", "true", "EveryShortStory"},
		{"a gap ends what was steady", "internal/observe/stall.go", "w.Steady = time.Time{}", "", "EveryShortStory"},
		{"a switch that was not told is told again", "internal/observe/watcher.go", "return err // the next run tells", "_ = err", "ToldInTheEnd"},
		{"nobody else tells that an input stalled", ingest + "attributes.go", "loop.OutcomeTypePrefix, loop.InputTypePrefix, loop.HealthTypePrefix}", "loop.OutcomeTypePrefix, loop.HealthTypePrefix}", "ParseEventRefused"},
		{"one region polls at a time", ingest + "poll.go", " || cursor.Owner != \"\" && now.Before(cursor.Until)", "", "AnotherRegionGoesOn"},
		{"the cursor waits for what was not stored", ingest + "poll.go", "loop.CodeOf(r.Err) == loop.CodeUnavailable {", "false {", "TheCursorWaits"},
		{"a standby is read only while it is needed", ingest + "poll.go", "return wanted || alone,", "return true || wanted || alone,", "AStandbyIsRead"},
		{"a value is one signal", ingest + "poll_metrics.go", "!v.At.After(newest) || ", "", "ComesLate"},
		{"an endpoint that says the same says nothing", ingest + "poll_page.go", "next.Page == c.Page", "false", "SaysEachThingOnce"},
		{"an endpoint says no more than a body may", "internal/webhook/fetch.go", "len(body) > loop.MaxBodyBytes", "false", "AnEndpointIsRead"},
		{"an alarm input takes alarms only", ingest + "queue.go", "b.only != \"\" && s.Type != b.only", "false", "WhatIsNoAlarm"},
	}
}
