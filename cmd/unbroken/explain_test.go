package main

import (
	"encoding/json"
	"strings"
	"testing"
)

const explainedSignals = `{"specversion":"1.0","type":"com.example.cpu","source":"s","id":"1","subject":"i-1","time":"2026-01-01T00:00:00Z","data":{"value":95}}
{"specversion":"1.0","type":"com.example.cpu","source":"s","id":"2","subject":"i-1","time":"2026-01-01T00:05:00Z","data":{"value":96.50}}
{"specversion":"1.0","type":"com.example.cpu","source":"s","id":"3","subject":"i-1","time":"2026-01-01T00:10:00Z","data":{"value":97}}
{"specversion":"1.0","type":"com.example.cpu","source":"s","id":"4","subject":"i-1","time":"2026-01-01T00:12:00Z","data":{"load":9}}
{"specversion":"1.0","type":"com.example.deploy.failed","source":"s","id":"5","subject":"shop"}
{"specversion":"1.0","type":"com.example.deploy.failed","source":"s"}
`

func TestExplain(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.Stdin = strings.NewReader(explainedSignals)
	if code := w.run(t.Context(), "explain", "--rules", testLoop, "-"); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	golden(t, "explain", w.out.String())
}

func TestExplainOneRuleAndTheLastSignal(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.Stdin = strings.NewReader(explainedSignals[:strings.Index(explainedSignals, `{"specversion":"1.0","type":"com.example.cpu","source":"s","id":"4"`)])
	if code := w.run(t.Context(), "explain", "--rules", testLoop, "--rule", "cpu", "--last", "--json", "-"); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	var doc struct {
		Signals []struct {
			ID    string
			Rules []struct {
				Rule      string
				Window    struct{ Entries []any }
				Decisions []struct{ Phase string }
			}
		}
	}
	if err := json.Unmarshal(w.out.Bytes(), &doc); err != nil || len(doc.Signals) != 1 || doc.Signals[0].ID != "3" || len(doc.Signals[0].Rules) != 1 {
		t.Fatalf("%v %s", err, w.out.String())
	}
	if r := doc.Signals[0].Rules[0]; r.Rule != "cpu" || len(r.Window.Entries) != 3 || r.Decisions[0].Phase != "do" {
		t.Errorf("%+v", r)
	}
}
