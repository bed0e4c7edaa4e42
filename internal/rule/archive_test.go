package rule

import (
	"strings"
	"testing"
)

func TestAnInputIsArchivedWhereItSaysSo(t *testing.T) {
	t.Parallel()
	const rest = "\nrules: [{id: r, match: {type: [t]}, do: [{action: a}]}]\nactions: {a: {to: output, effect: native, output: o, value: 1}}\n"
	for text, want := range map[string]bool{
		"inputs: {a: {kind: http, archive: true}, b: {kind: http}}": true,
		"inputs: {a: {kind: http, archive: false}}":                 false,
		"inputs: {a: {kind: http}}":                                 false,
	} {
		cfg, err := Parse("loop.yaml", []byte(text+rest))
		if err != nil || cfg.Archives() != want || cfg.Inputs["a"].Archive != want || cfg.Inputs["b"].Archive {
			t.Errorf("%s: %v %+v", text, err, cfg)
		}
	}
	if _, err := Parse("loop.yaml", []byte("inputs: {a: {kind: http, archive: yes please}}"+rest)); err == nil || !strings.Contains(err.Error(), "must be true or false") {
		t.Errorf("%v", err)
	}
}
