package rule

import (
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

// rendered gives the effects of both phases of the one rule in src, which has a window.
func rendered(t *testing.T, src string) (do, undo []loop.Effect, warnings string) {
	t.Helper()
	cfg, err := Parse("loop.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	packed, err := Pack(cfg)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := Load(packed) // what act needs must survive the bundle
	if err != nil {
		t.Fatal(err)
	}
	p := bundle.Set.Programs()[0]
	for phase, into := range map[loop.Phase]*[]loop.Effect{loop.PhaseDo: &do, loop.PhaseUndo: &undo} {
		if *into, err = p.Render(signal(`{}`), RenderInput{Key: "k", Phase: phase, Episode: 7}); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range Warnings(cfg) {
		warnings += w.String() + "\n"
	}
	return do, undo, warnings
}

const safe = `
actions: {a: {to: output, output: k}}
rules:
  - id: r
    match: {type: [t]}
    key: signal.subject
    window: {count: 1, within: 5m}
    undo: [{action: a}]
`

func TestARuleInShadowSaysSoInItsEffects(t *testing.T) {
	t.Parallel()
	do, undo, warnings := rendered(t, safe+"    do: [{action: a}]\n    mode: shadow\n")
	if !do[0].Shadow || !undo[0].Shadow || !strings.Contains(warnings, "shadow") {
		t.Errorf("do %v, undo %v, warnings %q", do[0].Shadow, undo[0].Shadow, warnings)
	}
	if do, _, _ = rendered(t, safe+"    do: [{action: a}]\n"); do[0].Shadow {
		t.Error("shadow is the default")
	}
}
