package mutants

// health are the guards that keep monitors from taking the loop down.
func health() []mutant {
	const region = "internal/region/"
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
	}
}
