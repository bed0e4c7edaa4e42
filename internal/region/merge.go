package region

// Merge brings together what several tables have: of each writer and observer the newest. An order or a verdict may
// have reached one table only.
func Merge(tables ...map[string]View) map[string]View {
	all := map[string]View{}
	for _, views := range tables {
		for name, v := range views {
			if _, ok := all[name]; !ok {
				all[name] = View{Entries: map[string]Entry{}, Verdicts: map[string]Verdict{}}
			}
			for writer, e := range v.Entries {
				if e.Since.After(all[name].Entries[writer].Since) {
					all[name].Entries[writer] = e
				}
			}
			for observer, one := range v.Verdicts {
				if one.At.After(all[name].Verdicts[observer].At) {
					all[name].Verdicts[observer] = one
				}
			}
		}
	}
	return all
}
