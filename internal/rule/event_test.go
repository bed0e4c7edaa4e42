package rule

import (
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

func TestEventReadsAttributes(t *testing.T) {
	t.Parallel()
	raw := []byte(` {"data":{"id":"no","type":"no"},"\u0069d":"1","id":"2","source":"s","type":"t","subject":"a\u00e9","time":"2026-03-01T13:00:00.5+01:00"}`)
	ev := NewEvent(raw, acceptedAt)
	if err := ev.Check(); err != nil {
		t.Fatal(err)
	}
	if Type(raw) != "t" || ev.Type() != "t" || ev.ID() != "1" || ev.Source() != "s" || ev.Subject() != "aé" {
		t.Errorf("got %q %q %q %q", ev.Type(), ev.ID(), ev.Source(), ev.Subject())
	}
	if want := time.Date(2026, 3, 1, 12, 0, 0, 5e8, time.UTC); !ev.Time().Equal(want) || ev.Time().Location() != time.UTC {
		t.Errorf("time %v", ev.Time())
	}
	if ev.Key() != loop.SignalKey("s", "1") {
		t.Error("key")
	}
}

func TestEventCheck(t *testing.T) {
	t.Parallel()
	for raw, code := range map[string]loop.Code{
		``:                                  loop.CodeMalformed,
		`[]`:                                loop.CodeMalformed,
		`null`:                              loop.CodeMalformed,
		`{}`:                                loop.CodeInvalidEvent,
		`{"id":"","source":"s","type":"t"}`: loop.CodeInvalidEvent,
		`{"id":1,"source":"s","type":"t"}`:  loop.CodeInvalidEvent,
		`{"id":"1","source":"s","type":"t","time":"yesterday"}`: loop.CodeInvalidEvent,
		`{"id":"1","source":"s","type":"t","time":5}`:           loop.CodeInvalidEvent,
		`{"id":"1","source":"s","type":"t","time":null}`:        "",
		`{"id":"1","source":"s","type":"t"}`:                    "",
	} {
		if err := NewEvent([]byte(raw), acceptedAt).Check(); loop.CodeOf(err) != code {
			t.Errorf("%s: got %v, want %s", raw, err, code)
		}
	}
}

func TestAKeyOutlivesTheBytesOfItsSignal(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "signal.subject", "signal.data.k"} {
		raw := []byte(`{"id":"1","source":"s","type":"t","subject":"mine","data":{"k":"mine"}}`)
		ev := NewEvent(raw, acceptedAt)
		got, err := program(t, loop.Rule{Key: key}, nil).Key(ev)
		if err != nil {
			t.Fatal(err)
		}
		for i := range raw {
			raw[i] = 'x'
		}
		if got != "mine" {
			t.Errorf("key %q became %q", key, got)
		}
	}
}
