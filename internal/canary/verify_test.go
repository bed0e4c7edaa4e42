package canary

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 5, time.UTC)

// board is the table `outputs` of regions a and b, on a clock of its own.
type board struct {
	*mem.Documents
	now   time.Time
	fault error
	takes time.Duration // a read
	reads int
}

func newBoard() *board {
	b := &board{now: noon}
	b.Documents = mem.NewDocuments(mem.NewReplicas(mem.ReplicasConfig{Regions: []string{"a", "b"}, Now: func() time.Time { return b.now }}), "a")
	return b
}

func (b *board) Query(ctx context.Context, region, pk string) (map[string]json.RawMessage, error) {
	b.now = b.now.Add(b.takes)
	if b.reads++; b.fault != nil {
		return nil, b.fault
	}
	return b.Documents.Query(ctx, region, pk)
}

func (b *board) verifier(region string) *Verifier {
	return &Verifier{Region: region, Keys: b, Now: func() time.Time { return b.now }}
}

func (b *board) announce(t *testing.T, region string, k *Key) {
	t.Helper()
	if err := b.Put(t.Context(), region, loop.CanaryKeyKey(region), k.id, announced{Public: public(k.private), At: b.now}, loop.CanaryKeyKeep); err != nil {
		t.Fatal(err)
	}
}

func draw(t *testing.T, seed byte) *Key {
	t.Helper()
	k, err := NewKey(rand.NewChaCha8([32]byte{seed}))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// travelled is a canary as it comes in: written as JSON and parsed.
func travelled(t *testing.T, s loop.Signal) loop.Signal {
	t.Helper()
	raw, err := loop.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ingest.ParseEvent(raw); loop.CodeOf(err) != loop.CodeReserved {
		t.Errorf("as a user's signal: %v", err)
	}
	var from struct{ Time time.Time }
	if err := json.Unmarshal(raw, &from); err != nil {
		t.Fatal(err)
	}
	s.Time = from.Time.UTC()
	return s
}

// Whatever is not this region's own canary, of the way that it came in and of now, is refused.
func TestOnlyARegionsOwnCanaryIsTakenForOne(t *testing.T) {
	t.Parallel()
	k, other := draw(t, 1), draw(t, 2)
	own := func() loop.Signal { return k.sign("a", loop.KindHTTP, noon) }
	altered := func(alter func(*loop.Signal)) loop.Signal {
		s := own()
		alter(&s)
		return s
	}
	for name, c := range map[string]struct {
		signal loop.Signal
		kind   string
		want   loop.Code
	}{
		"its own":                       {own(), loop.KindHTTP, ""},
		"its own, of the inbox":         {k.sign("a", loop.KindQueue, noon), loop.KindQueue, ""},
		"the last that counts":          {k.sign("a", loop.KindHTTP, noon.Add(-loop.CanaryKeep)), loop.KindHTTP, ""},
		"stale":                         {k.sign("a", loop.KindHTTP, noon.Add(-loop.CanaryKeep-1)), loop.KindHTTP, loop.CodeTimeOutOfRange},
		"of the future":                 {k.sign("a", loop.KindHTTP, noon.Add(loop.CanaryKeep+1)), loop.KindHTTP, loop.CodeTimeOutOfRange},
		"replayed by another way":       {own(), loop.KindQueue, loop.CodeReserved},
		"of another region":             {k.sign("b", loop.KindHTTP, noon), loop.KindHTTP, loop.CodeReserved},
		"signed with a key of nobody":   {other.sign("a", loop.KindHTTP, noon), loop.KindHTTP, loop.CodeReserved},
		"signed with another's key":     {altered(func(s *loop.Signal) { *s = other.sign("a", loop.KindHTTP, noon); s.Extensions[keyAttribute] = k.id }), loop.KindHTTP, loop.CodeReserved},
		"without a key":                 {altered(func(s *loop.Signal) { delete(s.Extensions, keyAttribute) }), loop.KindHTTP, loop.CodeReserved},
		"without a signature":           {altered(func(s *loop.Signal) { delete(s.Extensions, signatureAttribute) }), loop.KindHTTP, loop.CodeReserved},
		"with a signature of no base64": {altered(func(s *loop.Signal) { s.Extensions[signatureAttribute] += "!" }), loop.KindHTTP, loop.CodeReserved},
		"with another id":               {altered(func(s *loop.Signal) { s.ID += "0" }), loop.KindHTTP, loop.CodeReserved},
		"made younger":                  {altered(func(s *loop.Signal) { s.Time = s.Time.Add(time.Second) }), loop.KindHTTP, loop.CodeReserved},
		"with a subject":                {altered(func(s *loop.Signal) { s.Subject = loop.KindHTTP }), loop.KindHTTP, loop.CodeReserved},
		"with data":                     {altered(func(s *loop.Signal) { s.Data = json.RawMessage(`{}`) }), loop.KindHTTP, loop.CodeReserved},
		"with one more attribute":       {altered(func(s *loop.Signal) { s.Extensions["more"] = "1" }), loop.KindHTTP, loop.CodeReserved},
		"of another type":               {altered(func(s *loop.Signal) { s.Type = "unbroken.effect.done" }), loop.KindHTTP, loop.CodeReserved},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBoard()
			b.announce(t, "a", k)
			if err := b.verifier("a").Verify(t.Context(), c.kind, travelled(t, c.signal)); loop.CodeOf(err) != c.want || (err == nil) != (c.want == "") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// A key counts for the region that announced it, even where another one's is the same, and in no other's table.
func TestACanaryIsRefusedInAnotherRegion(t *testing.T) {
	t.Parallel()
	b, k := newBoard(), draw(t, 1)
	b.announce(t, "a", k)
	s := k.sign("a", loop.KindHTTP, noon)
	if err := b.verifier("b").Verify(t.Context(), loop.KindHTTP, s); loop.CodeOf(err) != loop.CodeReserved {
		t.Errorf("where its key is unknown: %v", err)
	}
	b.announce(t, "b", k)
	if err := b.verifier("b").Verify(t.Context(), loop.KindHTTP, s); loop.CodeOf(err) != loop.CodeReserved {
		t.Errorf("where its key is known: %v", err)
	}
}

// What nobody can tell is neither taken nor refused for good; and once the table answers, it is told.
func TestWithoutTheTableNobodyCanTell(t *testing.T) {
	t.Parallel()
	b, k := newBoard(), draw(t, 1)
	b.announce(t, "a", k)
	v, s := b.verifier("a"), k.sign("a", loop.KindHTTP, noon)
	b.fault = errors.New("down")
	if err := v.Verify(t.Context(), loop.KindHTTP, s); loop.CodeOf(err) != loop.CodeUnavailable {
		t.Errorf("%v", err)
	}
	b.fault, b.now = nil, noon.Add(lookEvery)
	if err := v.Verify(t.Context(), loop.KindHTTP, s); err != nil {
		t.Error(err)
	}
	b.fault = errors.New("down again") // a key that is known is not asked for
	b.now = b.now.Add(time.Minute)
	if err := v.Verify(t.Context(), loop.KindHTTP, k.sign("a", loop.KindHTTP, b.now)); err != nil {
		t.Error(err)
	}
}

// Forged names of keys cost a read a second, and a sender that begins meanwhile is heard.
func TestAFloodOfForgedKeysCostsAReadASecond(t *testing.T) {
	t.Parallel()
	b, k := newBoard(), draw(t, 1)
	v := b.verifier("a")
	for i := range 1000 {
		s := k.sign("a", loop.KindHTTP, b.now)
		s.Extensions[keyAttribute] = strconv.Itoa(i)
		if err := v.Verify(t.Context(), loop.KindHTTP, s); err == nil {
			t.Fatal("taken")
		}
		if b.now = b.now.Add(10 * time.Millisecond); i == 500 {
			b.announce(t, "a", k)
		}
	}
	if b.reads > 14 {
		t.Errorf("%d reads in ten seconds", b.reads)
	}
	if err := v.Verify(t.Context(), loop.KindHTTP, k.sign("a", loop.KindHTTP, b.now)); err != nil {
		t.Errorf("%v: the flood has read its key", err)
	}
}

// A message of `inbox` waits for the canaries that came with it, at most nine, and its function has ten seconds: a table that
// is slow, or that does not answer, must not take them.
func TestASlowTableHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		takes time.Duration
		fault error
		most  time.Duration
	}{
		"it does not answer":      {patience, context.DeadlineExceeded, patience},
		"it answers, but is slow": {patience - 1, nil, lookAhead + patience},
	} {
		b, k := newBoard(), draw(t, 1)
		b.takes, b.fault = c.takes, c.fault
		v := b.verifier("a")
		for i := range 9 {
			s := k.sign("a", loop.KindQueue, noon)
			s.Extensions[keyAttribute] = strconv.Itoa(i)
			if err := v.Verify(t.Context(), loop.KindQueue, s); err == nil {
				t.Fatal("taken")
			}
		}
		if waited := b.now.Sub(noon); waited > c.most {
			t.Errorf("%s: waited %s", name, waited)
		}
		b.takes, b.fault, b.now = 0, nil, b.now.Add(lookAhead+patience)
		b.announce(t, "a", k)
		if err := v.Verify(t.Context(), loop.KindQueue, k.sign("a", loop.KindQueue, b.now)); err != nil {
			t.Errorf("%s: once it is well: %v", name, err)
		}
	}
}

// Senders that begin at the same moment are all heard: each by the look that its own key takes.
func TestSendersThatBeginTogetherAreHeard(t *testing.T) {
	t.Parallel()
	b := newBoard()
	v := b.verifier("a")
	for i := range byte(4) {
		k := draw(t, i)
		b.announce(t, "a", k)
		if err := v.Verify(t.Context(), loop.KindHTTP, k.sign("a", loop.KindHTTP, b.now)); err != nil {
			t.Errorf("the sender %d: %v", i, err)
		}
	}
}

// What stands in the table and is no key is none.
func TestAnAnnouncementThatIsNoKeyIsPassedOver(t *testing.T) {
	t.Parallel()
	b, k := newBoard(), draw(t, 1)
	if err := b.Put(t.Context(), "a", loop.CanaryKeyKey("a"), k.id, announced{Public: []byte("short"), At: noon}, 0); err != nil {
		t.Fatal(err)
	}
	if err := b.verifier("a").Verify(t.Context(), loop.KindHTTP, k.sign("a", loop.KindHTTP, noon)); loop.CodeOf(err) != loop.CodeReserved {
		t.Errorf("%v", err)
	}
}

func TestAKeyIsDrawnWhole(t *testing.T) {
	t.Parallel()
	if k, again, other := draw(t, 1), draw(t, 1), draw(t, 2); k.id == other.id || k.id != again.id {
		t.Error("the id is not the key's")
	}
	if _, err := NewKey(&short{}); err == nil {
		t.Error("a key of no randomness")
	}
}

type short struct{}

func (*short) Read([]byte) (int, error) { return 0, errors.New("empty") }
