package rule

import (
	"encoding/json"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func TestSlackMessage(t *testing.T) {
	t.Parallel()
	const data = `{"s":"{\"blocks\":[]}"}`
	for yaml, body := range map[string]string{
		"{to: slack, secret: 'ssm:/a'}":                                         `{"text":"r: k/1 (do)"}`,
		"{to: slack, secret: 'ssm:/a', message: 'hot: {{ key }}'}":              `{"text":"hot: k/1"}`,
		"{to: slack, secret: 'ssm:/a', message: '{{ signal.data.s }}'}":         `{"text":"{\"blocks\":[]}"}`,
		"{to: slack, secret: 'ssm:/a', message: {blocks: ['{{ rule }}']}}":      `{"blocks":["r"]}`,
		"{to: slack, secret: 'ssm:/a', url: 'https://chat.e.com/', message: x}": `{"text":"x"}`,
	} {
		a, err := oneAction(t, yaml)
		if err != nil {
			t.Errorf("%s: %v", yaml, err)
			continue
		}
		e, err := render(t, a, nil, signal(data))
		if err != nil {
			t.Errorf("%s: %v", yaml, err)
			continue
		}
		r := e.Request
		if e.Target != loop.TargetWebhook || e.Class != loop.ClassOnce || r.Body != body || r.Method != "POST" || r.Secret != "ssm:/a" || r.SecretIn != loop.SecretIsURL {
			t.Errorf("%s: got %s %s %+v", yaml, e.Target, e.Class, r)
		}
		if want := a.URL; r.URL != want || !strings.HasPrefix(want, "https://") {
			t.Errorf("%s: url %s", yaml, r.URL)
		}
	}
}

func TestPagerDutyResolvesWhatItTriggered(t *testing.T) {
	t.Parallel()
	a, err := oneAction(t, "{to: pagerduty, secret: 'ssm:/a', severity: warning, summary: 'hot {{ key }}', details: {a: 1}}")
	if err != nil {
		t.Fatal(err)
	}
	steps := []loop.Step{{Step: "page", Action: "a"}}
	p := program(t, loop.Rule{
		Key: "signal.subject", Window: &loop.Window{Count: 1, Within: loop.Duration(1)}, Do: steps,
		Undo: append(steps, loop.Step{Step: "note", Action: "a"}),
	}, map[string]loop.Action{"a": a})
	events := map[loop.Phase][]map[string]any{}
	var opened loop.Effect
	for _, phase := range []loop.Phase{loop.PhaseDo, loop.PhaseUndo} {
		effects, err := p.Render(signal(`{}`), RenderInput{Key: "k", Phase: phase, Episode: 7})
		if err != nil {
			t.Fatal(err)
		}
		if phase == loop.PhaseDo {
			opened = effects[0]
		}
		for _, e := range effects {
			if e.Target != loop.TargetWebhook || e.Class != loop.ClassKeyed || e.Request.SecretIn != "routing_key" || e.Request.URL != pagerDutyURL {
				t.Errorf("%s: %+v", phase, e)
			}
			var event map[string]any
			if err := json.Unmarshal([]byte(e.Request.Body), &event); err != nil {
				t.Fatalf("%s: %v", e.Request.Body, err)
			}
			events[phase] = append(events[phase], event)
		}
	}
	do, undo := events[loop.PhaseDo][0], events[loop.PhaseUndo]
	if do["event_action"] != "trigger" || do["dedup_key"] != opened.ID {
		t.Errorf("do: %v", do)
	}
	if undo[0]["event_action"] != "resolve" || undo[0]["dedup_key"] != opened.ID {
		t.Errorf("undo: %v", undo[0])
	}
	if undo[1]["event_action"] != "trigger" { // it takes back nothing
		t.Errorf("undo without a do: %v", undo[1])
	}
	payload, _ := json.Marshal(do["payload"])
	if string(payload) != `{"component":"k","custom_details":{"a":1},"severity":"warning","source":"unbroken","summary":"hot k"}` {
		t.Errorf("payload %s", payload)
	}
}

func TestLongSummaryIsCut(t *testing.T) {
	t.Parallel()
	a := loop.Action{To: loop.TargetPagerDuty, Effect: loop.ClassKeyed, Fields: map[string]string{"summary": "{{ signal.data.s }}"}}
	e, err := render(t, a, nil, signal(`{"s":"`+strings.Repeat("é", 2000)+`"}`))
	if err != nil || !strings.Contains(e.Request.Body, `"summary":"`+strings.Repeat("é", maxSummary)+`"`) {
		t.Errorf("got %.200v, %v", e.Request, err)
	}
}
