package dev_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/unbroken/internal/mem"
)

// writes counts what is written to the two tables in all regions; reads are left out.
type writes struct {
	mu   sync.Mutex
	made map[string]int
}

func (w *writes) count(op mem.Op) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch reads := map[string]bool{"Get": true, "Load": true, "Read": true, "Around": true, "List": true, "Names": true}; {
	case op.When == mem.After, op.Service == "queue", reads[op.Name]:
	default:
		w.made[op.Service+" "+op.Name]++
	}
	return nil
}

func (w *writes) take() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	made := w.made
	w.made = map[string]int{}
	return made
}

// What the whole loop writes for a signal, mirrored, in both regions together: nothing where no rule wants it, and for
// the effect of a stateless rule its claim twice and its output once.
func TestWritesPerSignal(t *testing.T) {
	t.Parallel()
	made := &writes{made: map[string]int{}}
	w := start(t, made.count)
	for i, c := range []struct {
		typ  string
		ends [2]string // what is heard of both regions when they are through
		want map[string]int
	}{
		{"com.example.nobody", [2]string{"unmatched", "unmatched"}, map[string]int{}},
		{"com.example.page", [2]string{"landed", "had landed"}, map[string]int{"claims Open": 1, "claims Swap": 1, "outputs Write": 1}},
	} {
		body := fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"s","type":%q,"subject":"k"}`, i, c.typ)
		resp, err := http.Post(w.Endpoints()[0].URL+"/v1/signals/default", "application/cloudevents+json", strings.NewReader(body))
		if err != nil || resp.StatusCode != http.StatusAccepted {
			t.Fatal(resp, err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		w.until(t, c.ends[0], "us-east-2")
		w.later(20 * time.Second)
		w.until(t, c.ends[1], "us-west-2")
		if got := made.take(); !maps.Equal(got, c.want) {
			t.Errorf("%s: wrote %v, want %v", c.typ, got, c.want)
		}
	}
}
