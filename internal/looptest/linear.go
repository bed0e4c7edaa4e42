package looptest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// The histories of concurrent clients in two regions must have an order in which each call did what it answered.
// porcupine searches for one. https://github.com/anishathalye/porcupine

const (
	linearClients = 6
	linearCalls   = 12 // of each client
)

// call is one operation as its client saw it.
type call struct {
	op    string // open, swap or get; put or get
	token int64  // what a swap or put expects
	next  string // the state that a write wants to leave
}

// register is a store of one thing with a version: a claim with its token, or an episode with its revision.
func register(holds func(state string) int64, first bool) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			s, in, out := state.(string), input.(call), output.(string)
			switch {
			case in.op == "get":
				return out == s, s
			case in.op == "open" && s == "":
				return out == "ok", in.next
			case in.op == "open":
				return out == s, s
			case (first || s != "") && holds(s) == in.token:
				return out == "ok", in.next
			}
			return out == "fenced", s
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %v", input, output) },
	}
}

// linear runs the clients and checks their history. do makes one call and says what it answered; seen is what its
// client knows the state to be.
func linear(t *testing.T, model porcupine.Model, do func(ctx context.Context, client, n int, seen string) (call, string, error)) {
	t.Helper()
	ctx := deadline(t)
	var mu sync.Mutex
	var history []porcupine.Operation
	begin := time.Now()
	race(linearClients, func(client int) {
		seen := ""
		for n := range linearCalls {
			from := time.Since(begin)
			in, out, err := do(ctx, client, n, seen)
			to := time.Since(begin)
			if err != nil {
				t.Errorf("client %d: %v", client, err)
				return
			}
			switch out {
			case "fenced": // what stands is not known
			case "ok":
				seen = in.next
			default:
				seen = out
			}
			mu.Lock()
			history = append(history, porcupine.Operation{ClientId: client, Input: in, Call: int64(from), Output: out, Return: int64(to)})
			mu.Unlock()
		}
	})
	if result := porcupine.CheckOperationsTimeout(model, history, 3*time.Minute); result != porcupine.Ok {
		t.Errorf("no order explains what the %d calls answered: %s", len(history), result)
	}
}

// linearClaims races opens, takeovers, commits and reads of one effect.
func linearClaims(t *testing.T, b Bench[act.Claims]) {
	print := func(c loop.Claim) string { return fmt.Sprintf("%d %s %s", c.Token, c.Owner, c.Status) }
	token := func(state string) (n int64) {
		var owner, status string
		if _, err := fmt.Sscan(state, &n, &owner, &status); err != nil || loop.Status(status).Terminal() {
			return -1
		}
		return n
	}
	linear(t, register(token, false), func(ctx context.Context, client, n int, seen string) (call, string, error) {
		s, random := b.Here, rand.New(rand.NewPCG(uint64(client), uint64(n))) //nolint:gosec // a seed
		if client%2 == 1 {
			s = b.There
		}
		owner := fmt.Sprintf("%d/%d", client, n)
		switch what := random.IntN(10); {
		case seen == "" || what < 2:
			c := claim("e", owner, 1)
			stored, opened, err := s.Open(ctx, c)
			if opened {
				return call{op: "open", next: print(c)}, "ok", err
			}
			return call{op: "open", next: print(c)}, print(stored), err
		case what < 7:
			held := max(token(seen), 1)
			c := claim("e", owner, held+1)
			if what == 6 && n > linearCalls-3 {
				c.Status = loop.StatusDone
			}
			err := s.Swap(ctx, c, held)
			if errors.Is(err, loop.ErrFenced) {
				return call{"swap", held, print(c)}, "fenced", nil
			}
			return call{"swap", held, print(c)}, "ok", err
		}
		c, err := s.Get(ctx, "e")
		if errors.Is(err, loop.ErrNotFound) {
			return call{op: "get"}, "", nil
		}
		return call{op: "get"}, print(c), err
	})
}

// linearEpisodes races transitions of one episode.
func linearEpisodes(t *testing.T, b Bench[decide.Episodes]) {
	print := func(e decide.Episode) string {
		if e.Rev == 0 {
			return ""
		}
		return fmt.Sprintf("%d %d", e.Rev, e.N)
	}
	rev := func(state string) (n int64) {
		_, _ = fmt.Sscan(state, &n) // 0 where nothing stands
		return n
	}
	linear(t, register(rev, true), func(ctx context.Context, client, n int, seen string) (call, string, error) {
		s := b.Here
		if client%2 == 1 {
			s = b.There
		}
		if n%2 == 0 {
			e, err := s.Get(ctx, decide.Ref{RuleID: "r", Key: "k"})
			return call{op: "get"}, print(e), err
		}
		e := decide.Episode{Ref: decide.Ref{RuleID: "r", Key: "k"}, N: int64(client*100 + n), Rev: rev(seen), Last: loop.Position{Time: at(n), SignalKey: "s"}}
		err := s.Put(ctx, e)
		next := fmt.Sprintf("%d %d", e.Rev+1, e.N)
		if errors.Is(err, loop.ErrConflict) {
			return call{"put", e.Rev, next}, "fenced", nil
		}
		return call{"put", e.Rev, next}, "ok", err
	})
}
