package events_test

import (
	"encoding/json"
	"io/fs"
	"testing"

	"example.com/unbroken/events"
	"example.com/unbroken/internal/ingest"
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
	}
}

func TestSchemasAreJSON(t *testing.T) {
	t.Parallel()
	paths, err := fs.Glob(events.FS, "schemas/*.json")
	if err != nil || len(paths) < 2 {
		t.Fatalf("found %v, %v", paths, err)
	}
	for _, path := range paths {
		raw, err := fs.ReadFile(events.FS, path)
		if err != nil {
			t.Fatal(err)
		}
		var schema map[string]any
		if err := json.Unmarshal(raw, &schema); err != nil || schema["$id"] == nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}
