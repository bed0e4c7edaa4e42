package rule

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/schema"
)

func TestBadInputsAreReported(t *testing.T) {
	t.Parallel()
	_, err := ParseFile("testdata/inputs_bad.yaml", schema.Check)
	es, ok := errors.AsType[*Errors](err)
	if !ok {
		t.Fatalf("got %v, want *Errors", err)
	}
	got := es.Error() + "\n"
	if strings.Contains(got, "s3cr3t") {
		t.Error("a secret that stands where its reference belongs is repeated")
	}
	if *update {
		if err := os.WriteFile("testdata/inputs_bad.golden", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/inputs_bad.golden")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestInputsHaveDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := Parse("loop.yaml", []byte(`
inputs:
  plain: {kind: http}
  alerts: {kind: http, format: alertmanager, source: am, auth: bearer, credentials: [{secrets: [ssm:/am]}]}
  near: {kind: http, format: grafana, source: g, max_skew: 5m, auth: bearer, credentials: [{secrets: [ssm:/g]}]}
  inbox: {kind: queue}
`))
	if err != nil {
		t.Fatal(err)
	}
	if in := cfg.Inputs["plain"]; in.Format != loop.FormatCloudEvents || in.Auth != loop.AuthIAM || in.MaxSkew.Std() != time.Hour {
		t.Errorf("plain: %+v", in)
	}
	if in := cfg.Inputs["inbox"]; in.Format != "" || in.Auth != "" || in.MaxSkew.Std() != time.Hour {
		t.Errorf("inbox: %+v", in)
	}
	// An alert that is repeated began long ago.
	if a, n := cfg.Inputs["alerts"], cfg.Inputs["near"]; a.MaxSkew != 0 || n.MaxSkew.Std() != 5*time.Minute {
		t.Errorf("alerts %s, near %s", a.MaxSkew, n.MaxSkew)
	}
}

func TestMapping(t *testing.T) {
	t.Parallel()
	m, problems := compileMapping(loop.Mapping{ID: "body.id", Type: "'com.example.' + body.kind", Subject: "body.host", Time: "timestamp(int(body.at))", Data: "{'load': body.load}"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	attributes, data, err := m.eval([]byte(`{"id":17,"kind":"load","host":null,"at":1772625600,"load":[0.5,1]}`))
	if err != nil || attributes["id"] != "17" || attributes["type"] != "com.example.load" || attributes["time"] != "2026-03-04T12:00:00Z" || string(data) != `{"load":[0.5,1]}` {
		t.Errorf("%v %s %v", attributes, data, err)
	}
	if _, there := attributes["subject"]; there {
		t.Error("null became a subject")
	}
	for name, body := range map[string]string{
		"a field is missing":  `{"kind":"load"}`,
		"another type":        `{"id":1,"kind":[],"host":"h","at":0,"load":1}`,
		"no text":             `{"id":{},"kind":"x","host":"h","at":0,"load":1}`,
		"a number too large":  `{"id":9007199254740993,"kind":"x","host":"h","at":0,"load":1}`,
		"no object":           `7`,
		"a list":              `[]`,
		"a time that is none": `{"id":1,"kind":"x","host":"h","at":"noon","load":1}`,
	} {
		if _, _, err := m.eval([]byte(body)); loop.CodeOf(err) != loop.CodeInvalidEvent {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A body decides how long a loop over it runs; the limit is that of a rule.
func TestAMappingIsBounded(t *testing.T) {
	t.Parallel()
	m, problems := compileMapping(loop.Mapping{ID: "body.l.map(a, body.l.map(b, a + b)).size()", Type: "'t'"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if _, _, err := m.eval([]byte(`{"l":[` + strings.Repeat("1,", 5000) + "1]}")); loop.CodeOf(err) != loop.CodeInvalidEvent || !strings.Contains(err.Error(), "cost") {
		t.Errorf("got %v", err)
	}
}

func TestASchemaStandsInTheBundleAsItWasWritten(t *testing.T) {
	t.Parallel()
	const src = `
inputs:
  plant: {kind: http, schema: {type: object, required: [celsius], properties: {celsius: {minimum: -273.15}}}}
actions: {o: {to: output, output: k}}
rules: [{id: r, match: {type: [t]}, do: [{action: o}]}]
`
	if _, err := Parse("loop.yaml", []byte(src)); err == nil || !strings.Contains(err.Error(), "cannot check a schema") {
		t.Errorf("who cannot check it took it: %v", err)
	}
	cfg, err := ParseWith("loop.yaml", []byte(src), schema.Check)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := Pack(cfg)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := Load(packed)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(bundle.Config.Inputs["plant"].Schema); got != `{"properties":{"celsius":{"minimum":-273.15}},"required":["celsius"],"type":"object"}` {
		t.Error(got)
	}
}

func TestAnInputThatWhoeverMayCallTheAPIMayUseIsWarnedOf(t *testing.T) {
	t.Parallel()
	cfg, err := Parse("loop.yaml", []byte(`
inputs:
  open: {kind: http}
  closed: {kind: http, credentials: [{principal: "arn:aws:iam::123456789012:role/a", sources: [a/]}]}
  inbox: {kind: queue}
`))
	if err != nil {
		t.Fatal(err)
	}
	var at []string
	for _, p := range Warnings(cfg) {
		if strings.Contains(p.Message, "execute-api:Invoke") {
			at = append(at, p.Path)
		}
	}
	if len(at) != 1 || at[0] != "inputs.open" {
		t.Errorf("warned of %v", at)
	}
}
