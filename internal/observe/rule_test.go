package observe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/region"
	"example.com/unbroken/internal/rule"
)

// ruled is a world whose findings go through the decide of one region with the rules that ship.
type ruled struct {
	*world
	post   *post
	decide *decide.Handler
}

func newRuled(t *testing.T) *ruled {
	t.Helper()
	const file = "../../docs/examples/health.yaml"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := rule.Parse(file, text)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rule.Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &ruled{world: newWorld()}
	r.post = newPost(r.world)
	now := func() time.Time { return r.now }
	tables := mem.NewReplicas(mem.ReplicasConfig{Regions: []string{east, west}, Now: now, Immediate: true})
	again := act.Backoff{Base: time.Second, Cap: 30 * time.Second, Rand: rand.New(rand.NewPCG(1, 2)).Int64N}
	r.decide = decide.New(decide.Config{
		Region: east, Peer: west, StandbyDelay: 20 * time.Second, Set: set, Queue: r.post.From(east), Now: now, Recorder: quietDecide{},
		Windows: mem.NewWindows(tables, east), Episodes: mem.NewEpisodes(nil).In(east), Backoff: again.Next,
	})
	return r
}

// steps are those that the rules asked for since the last call, "rule step key" each.
func (r *ruled) steps(t *testing.T) (all []string) {
	t.Helper()
	r.now = r.now.Add(time.Second)
	for _, d := range r.post.Receive(east, loop.QueueSignals, 100) {
		if again := r.decide.Handle(t.Context(), []loop.Message{d.Message}); len(again) != 0 {
			t.Fatalf("not decided: %s", d.Body)
		}
		r.post.Ack(east, loop.QueueSignals, d.Receipt)
	}
	for _, d := range r.post.Receive(east, loop.QueueActions, 100) {
		var e loop.Envelope
		if err := json.Unmarshal(d.Body, &e); err != nil {
			t.Fatal(err)
		}
		for _, item := range e.Items {
			if !item.Standby {
				all = append(all, fmt.Sprintf("%s %s %s", item.Effect.RuleID, item.Effect.Step, item.Effect.Key))
			}
		}
		r.post.Ack(east, loop.QueueActions, d.Receipt)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// looks lets an observer look, and time pass.
func (r *ruled) looks(t *testing.T, from string) {
	t.Helper()
	_, _ = r.telling(from, r.post).Run(t.Context())
	r.pass(20 * time.Second)
}

// pass lets time pass, in which canaries come through.
func (r *ruled) pass(d time.Duration) {
	r.now = r.now.Add(d)
	for _, table := range []string{east, west} {
		r.canary(table, east, 10*time.Second)
		r.canary(table, west, 10*time.Second)
	}
}

// between lets others do something before an observer writes something.
type between struct {
	*world
	once sync.Once
	of   string // the documents before whose first writing it is done
	do   func()
}

func (b *between) Put(ctx context.Context, table, pk, sk string, doc any, keep time.Duration) error {
	if strings.HasPrefix(pk, b.of) {
		b.once.Do(b.do)
	}
	return b.world.Put(ctx, table, pk, sk, doc, keep)
}

const pageIll, clearIll = "health-page page " + west + "/signals-dlq", "health-page clear " + west + "/signals-dlq"

// Two observers see something recover in runs that overlap: each looked while the other's last word was that it is bad. What
// ships ends its page all the same.
func TestRunsThatOverlapEndThePage(t *testing.T) {
	t.Parallel()
	r := newRuled(t)
	r.letters[west+"|"+deadLetters] = 2
	r.looks(t, witness)
	r.looks(t, east)
	if got := r.steps(t); !slices.Equal(got, []string{pageIll}) {
		t.Fatalf("%v", got)
	}
	clear(r.letters)
	o := r.telling(witness, r.post)
	o.Docs = &between{world: r.world, of: region.VerdictKey(""), do: func() { _, _ = r.telling(east, r.post).Run(t.Context()) }}
	_, _ = o.Run(t.Context())
	if got := r.steps(t); !slices.Equal(got, []string{clearIll}) {
		t.Errorf("%v", got)
	}
}

// The last observer that had something bad dies of it: who recovered before it says so again when nobody has it bad any more.
func TestAnObserverThatDiesKeepsNoPageOpen(t *testing.T) {
	t.Parallel()
	r := newRuled(t)
	r.letters[west+"|"+deadLetters] = 2
	r.looks(t, witness)
	r.looks(t, east)
	clear(r.letters)
	r.looks(t, witness)
	if got := r.steps(t); !slices.Equal(got, []string{pageIll}) {
		t.Fatalf("%v", got)
	}
	for range 3 {
		r.looks(t, witness)
	}
	if got := r.steps(t); len(got) != 0 {
		t.Fatalf("it is bad for an observer that was just heard: %v", got)
	}
	r.pass(region.Fresh)
	r.looks(t, witness)
	if got := r.steps(t); !slices.Contains(got, clearIll) {
		t.Errorf("%v", got)
	}
	r.looks(t, witness)
	if got := of(r.post.take(t, r.world, east), west+"/"+deadLetters); len(got) != 0 {
		t.Errorf("told more than once more: %v", got)
	}
}
