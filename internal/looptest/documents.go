package looptest

import (
	"context"
	"encoding/json"
	"testing"
	"time"
)

// DocumentStore is where verdicts, region states and endpoints stand.
type DocumentStore interface {
	Put(ctx context.Context, region, name, writer string, doc any, keep time.Duration) error
	Query(ctx context.Context, region, name string) (map[string]json.RawMessage, error)
}

// DocumentBench is a store whose clock the suite moves.
type DocumentBench struct {
	Store   DocumentStore
	Advance func(time.Duration)
}

type verdict struct {
	Region string    `json:"region"`
	Bad    bool      `json:"bad"`
	At     time.Time `json:"at"`
}

// Documents is the suite for DocumentStore.
func Documents(t *testing.T, open func(t *testing.T) DocumentBench) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, b DocumentBench){
		"OneWriterErasesAnother":      writersAreApart,
		"DeadObserverVotesForEver":    expiredIsGone,
		"StateWithoutExpiryIsGone":    keptForEver,
		"OldDocumentIsReadAfterWrite": lastDocument,
		"UnknownNameIsAnError":        noDocuments,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func query(t *testing.T, b DocumentBench, name string) map[string]json.RawMessage {
	t.Helper()
	docs, err := b.Store.Query(deadline(t), HereRegion, name)
	must(t, err)
	return docs
}

func putDoc(t *testing.T, b DocumentBench, name, writer string, v verdict, keep time.Duration) {
	t.Helper()
	must(t, b.Store.Put(deadline(t), HereRegion, name, writer, v, keep))
}

func writersAreApart(t *testing.T, b DocumentBench) {
	one, two := verdict{Region: "a", Bad: true, At: at(0)}, verdict{Region: "a", At: at(1)}
	putDoc(t, b, "verdict#a", "o1", one, time.Hour)
	putDoc(t, b, "verdict#a", "o2", two, time.Hour)
	putDoc(t, b, "verdict#b", "o3", two, time.Hour)
	same(t, query(t, b, "verdict#a"), map[string]verdict{"o1": one, "o2": two})
}

func expiredIsGone(t *testing.T, b DocumentBench) {
	putDoc(t, b, "verdict#a", "o1", verdict{Region: "a"}, time.Minute)
	b.Advance(time.Minute - time.Millisecond)
	if len(query(t, b, "verdict#a")) != 1 {
		t.Fatal("gone before its time")
	}
	b.Advance(2 * time.Second)
	if len(query(t, b, "verdict#a")) != 0 {
		t.Fatal("still there after its time")
	}
}

func keptForEver(t *testing.T, b DocumentBench) {
	putDoc(t, b, "state#a", "operator", verdict{Region: "a"}, 0)
	b.Advance(1000 * time.Hour)
	if len(query(t, b, "state#a")) != 1 {
		t.Fatal("a document without expiry is gone")
	}
}

func lastDocument(t *testing.T, b DocumentBench) {
	putDoc(t, b, "state#a", "operator", verdict{Region: "a"}, 0)
	last := verdict{Region: "a", Bad: true, At: at(9)}
	putDoc(t, b, "state#a", "operator", last, 0)
	same(t, query(t, b, "state#a"), map[string]verdict{"operator": last})
}

func noDocuments(t *testing.T, b DocumentBench) {
	if len(query(t, b, "state#nowhere")) != 0 {
		t.Fatal("documents under a name that nobody wrote")
	}
}
