package sim

import (
	"fmt"
	"strings"
	"sync"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// extraStep is what the second bundle inserts before the steps there are; it also rewrites a URL.
const extraStep = "{step: more, action: more}, "

// bundle is one version of the rules, ready.
type bundle struct {
	config *loop.Config
	set    *rule.Set
}

// bundles compiles the versions 0 and 1 of the rules for a topology. Compiling is dear next to a run, so worlds of
// one topology share them; they are immutable.
var bundles = func() func(regions []string, witness string) [2]bundle {
	var (
		mu   sync.Mutex
		made = map[string][2]bundle{}
	)
	return func(regions []string, witness string) [2]bundle {
		mu.Lock()
		defer mu.Unlock()
		name := strings.Join(regions, ",") + "/" + witness
		if b, ok := made[name]; ok {
			return b
		}
		var both [2]bundle
		for version := range both {
			both[version] = compile(regions, witness, version)
		}
		made[name] = both
		return both
	}
}()

func compile(regions []string, witness string, version int) bundle {
	path, extra := "", ""
	if version == 1 {
		path, extra = "v2", extraStep
	}
	if witness != "" {
		witness = ", witness: " + witness
	}
	text := strings.NewReplacer("%LOOP%", strings.Join(regions, ", "), "%WITNESS%", witness, "%EXTRA%", extra, "%PATH%", path).Replace(rulesFile)
	cfg, err := rule.Parse("loop.yaml", []byte(text))
	if err != nil {
		panic(fmt.Sprintf("the simulator's rules are broken: %v", err))
	}
	set, err := rule.Compile(cfg)
	if err != nil {
		panic(fmt.Sprintf("the simulator's rules are broken: %v", err))
	}
	return bundle{cfg, set}
}
