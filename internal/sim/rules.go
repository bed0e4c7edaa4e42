package sim

import (
	"fmt"
	"strings"
	"sync"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// rulesFile is the loop.yaml of every simulated world: rules without state that send and that write, one that fails
// on odd signals, counting with do and undo, hysteresis, and one that hears of what is parked.
const rulesFile = `
prefix: sim
regions: {loop: [%LOOP%]%WITNESS%}
inputs:
  both: {kind: http}
  loose: {kind: http, policy: any}
  local: {kind: http, durability: regional}
  inbox: {kind: queue}
rules:
  - id: hook
    match: {type: [com.example.alert]}
    when: signal.data.value > 0.0
    key: signal.subject
    do: [%EXTRA%{step: page, action: page}]
  - id: brief
    match: {type: [com.example.alert]}
    when: signal.data.value > 1.0
    key: signal.subject
    do: [{step: call, action: call}]
  - id: note
    match: {type: [com.example.alert]}
    when: signal.data.value > 0.0
    key: signal.subject
    do: [{step: note, action: note}]
  - id: fragile
    match: {type: [com.example.odd]}
    when: signal.data.size > 0.0
    key: signal.subject
    do: [{step: note, action: size}]
  - id: burst
    match: {type: [com.example.metric]}
    when: signal.data.value > 0.0
    key: signal.subject
    window: {count: 3, within: 1m, lateness: 2m}
    do: [%EXTRA%{step: shed, action: shed, with: {level: high}}, {step: tell, action: page}]
    undo: [{step: shed, action: shed, with: {level: none}}]
  - id: level
    match: {type: [com.example.level]}
    when: signal.data.value > 8.0
    until: signal.data.value < 2.0
    window: {count: 1, within: 5m}
    key: signal.subject
    do: [{step: flag, action: flag}]
    undo: [{step: flag, action: flag}]
  - id: lead
    match: {type: [unbroken.effect.parked], source: ["unbroken:act"]}
    when: signal.data.rule != 'lead'
    key: signal.data.effect
    do: [{step: lead, action: lead}]
actions:
  page: {to: webhook, url: "https://page.example/%PATH%", body: {key: "{{ key }}", id: "{{ signal.id }}"}, effect: keyed, output: "page/{{ rule }}/{{ key }}"}
  call: {to: webhook, url: "https://call.example/", effect: keyed, horizon: 3m, expire_after: 10m}
  note: {to: output, output: "note/{{ key }}", value: {id: "{{ signal.id }}"}}
  more: {to: output, output: "more/{{ rule }}/{{ key }}"}
  size: {to: output, output: "size/{{ key }}"}
  shed: {to: webhook, url: "https://shed.example/{{ key }}", body: {level: "{{ with.level }}"}, effect: keyed, output: "shed/{{ key }}", value: {phase: "{{ phase }}"}}
  flag: {to: output, output: "flag/{{ key }}", value: {phase: "{{ phase }}"}}
  lead: {to: output, output: "lead/{{ key }}"}
`

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
