package mutants

// groups are the guards that keep a decision for many keys one.
func groups() []mutant {
	const decide = "internal/decide/"
	return []mutant{
		{"a key that was told of is not told again", decide + "gather.go", "if slices.Contains(s.Keys, key) {", "if false {", "Group|FiringFrom"},
		{"what has expired joins no group", decide + "gather.go", "unsure || now.After(j.accepted.Add(p.Joinable()))", "unsure", "AFiringThat"},
		{"what cannot be rendered opens no group", decide + "gather.go", "loop.GroupData{Count: 1, Members: []loop.Member{j.member}}); err != nil {", "loop.GroupData{Count: 1, Members: []loop.Member{j.member}}); err != nil && false {", "Rendered"},
		{"an instance of a group has a number of its own", decide + "gather.go", "max(e.N+1, j.at.Time.UnixMilli())", "j.at.Time.UnixMilli()", "EveryFiring"},
		{"a firing from the future is in one decision", decide + "gather.go", "if accepted.Before(g.until()) {", "if true {", "FiringFrom"},
		{"each region has a timer of its own of a group", decide + "group.go", "!slices.Contains(e.Group.Timed, k.region) {", "len(e.Group.Timed) == 0 {", "AGroupOutlives"},
	}
}
