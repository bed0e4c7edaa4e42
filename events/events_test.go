package events_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/unbroken/events"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

func TestExamplesAreSignalsThatIngestTakes(t *testing.T) {
	t.Parallel()
	paths, err := fs.Glob(events.FS, "examples/*.json")
	if err != nil || len(paths) < 5 {
		t.Fatalf("found %v, %v", paths, err)
	}
	seen := map[string]string{}
	for _, path := range paths {
		raw, err := fs.ReadFile(events.FS, path)
		if err != nil {
			t.Fatal(err)
		}
		signal, err := ingest.ParseEvent(raw)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if other, dup := seen[signal.Key()]; dup {
			t.Errorf("%s and %s are one signal", path, other)
		}
		seen[signal.Key()] = path
		if errs := validate(t, "signal.schema.json", raw); len(errs) > 0 {
			t.Errorf("%s: %v", path, errs)
		}
	}
}

// The schema and the parser say the same about what a schema can express.
func TestSignalSchemaAgreesWithIngest(t *testing.T) {
	t.Parallel()
	const start = `{"specversion":"1.0","id":"1","source":"shop","type":"t"`
	for doc, ok := range map[string]bool{
		start + `}`: true,
		start + `,"subject":null,"note":"","n":1,"b":true,"data":null}`:  true,
		start + `,"data_base64":"AQI="}`:                                 true,
		start + `,"data":1,"data_base64":null}`:                          true,
		start + `,"data":1,"data_base64":"AQI="}`:                        false,
		start + `,"subject":""}`:                                         false,
		start + `,"subject":1}`:                                          false,
		start + `,"time":"now"}`:                                         false,
		start + `,"Note":"x"}`:                                           false,
		start + `,"note":[]}`:                                            false,
		start + `,"note":1.5}`:                                           false,
		start + `,"note":2147483648}`:                                    false,
		strings.Replace(start, "1.0", "0.3", 1) + `}`:                    false,
		strings.Replace(start, `"id":"1"`, `"id":""`, 1) + `}`:           false,
		strings.Replace(start, `"id":"1",`, ``, 1) + `}`:                 false,
		strings.Replace(start, "shop", "Unbroken:canary", 1) + `}`:       false,
		strings.Replace(start, `"t"`, `"unbroken.effect.done"`, 1) + `}`: false,
		strings.Replace(start, `"t"`, `"unbroken.health.bad"`, 1) + `}`:  false,
		strings.Replace(start, `"t"`, `"unbroken.canary"`, 1) + `}`:      false,
		`[]`: false,
	} {
		_, err := ingest.ParseEvent([]byte(doc))
		errs := validate(t, "signal.schema.json", []byte(doc))
		if (err == nil) != ok || (len(errs) == 0) != ok {
			t.Errorf("%s: ingest says %v, the schema %v", doc, err, errs)
		}
	}
}

// What ingest really sends is what the schemas say.
func TestIngestSendsWhatTheSchemasSay(t *testing.T) {
	t.Parallel()
	q := &tape{}
	acceptor := ingest.New(ingest.Config{
		Region: "us-east-2", Peers: []string{"us-west-2"}, StandbyDelay: 20 * time.Second, Queue: q,
		Inputs: map[string]loop.Input{"inbox": {Kind: loop.KindQueue, Durability: loop.Mirrored, Policy: loop.PolicyAll}},
		Now:    func() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 1, time.UTC) },
	})
	inbox, err := ingest.NewInbox(acceptor, "inbox")
	if err != nil {
		t.Fatal(err)
	}
	good, err := fs.ReadFile(events.FS, "examples/1-deploy-failed.json")
	if err != nil {
		t.Fatal(err)
	}
	failed := inbox.Handle(t.Context(), []loop.Message{{ID: "1", Body: good}, {ID: "2", Body: []byte("\xff")}, {ID: "3", Body: []byte("{")}})
	if len(failed) > 0 || len(q.bodies[loop.QueueSignals]) != 2 || len(q.bodies[loop.DeadLetter(loop.QueueInbox)]) != 2 {
		t.Fatalf("failed %v, sent %v", failed, q.bodies)
	}
	for queue, schema := range map[string]string{loop.QueueSignals: "envelope.schema.json", loop.DeadLetter(loop.QueueInbox): "quarantine.schema.json"} {
		for _, body := range q.bodies[queue] {
			if errs := validate(t, schema, body); len(errs) > 0 {
				t.Errorf("%s: %v\n%s", queue, errs, body)
			}
		}
	}

	// The loop's own signals and what later stages quarantine fit the envelope too.
	own, err := json.Marshal(loop.Signal{ID: "1", Source: loop.OwnSourcePrefix + "act", Type: loop.OutcomeTypePrefix + "done"})
	if err != nil {
		t.Fatal(err)
	}
	body, err := loop.Encode(loop.Item{Input: "inbox", Hops: 1, Cause: []string{"k"}, Signal: own, Quarantine: &loop.Quarantine{Reason: loop.CodeHopLimit, Stage: loop.FuncDecide}},
		loop.Item{Input: "inbox", Attempt: 2, Effect: &loop.Effect{ID: "e"}})
	if err != nil {
		t.Fatal(err)
	}
	if errs := validate(t, "envelope.schema.json", body); len(errs) > 0 {
		t.Errorf("%v\n%s", errs, body)
	}
	if errs := validate(t, "envelope.schema.json", []byte(`{"v":2,"items":[{"acceptedAt":"2026-03-04T12:00:00Z","input":"x"}]}`)); len(errs) != 2 {
		t.Errorf("an unknown version and an empty item: %v", errs)
	}
}

// tape is a queue that takes everything and remembers the bodies.
type tape struct {
	mu     sync.Mutex
	bodies map[string][][]byte
}

func (q *tape) Send(_ context.Context, _, queue string, msgs []loop.Outgoing) []error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bodies == nil {
		q.bodies = map[string][][]byte{}
	}
	for _, m := range msgs {
		q.bodies[queue] = append(q.bodies[queue], m.Body)
	}
	return make([]error, len(msgs))
}
