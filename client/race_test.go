package client

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
)

func send(t *testing.T, c Config, n int) (Report, error) {
	t.Helper()
	cl, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return cl.Send(t.Context(), signals(n)...)
}

func TestASwallowingRegionCostsTheHedgeDelayOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dead, well := answering(swallows), answering(accepts)
		start := time.Now()
		r, err := send(t, Config{Endpoints: regions(dead, well), Hedge: true, HedgeAfter: 100 * time.Millisecond}, 3)
		if took := time.Since(start); err != nil || took != 100*time.Millisecond {
			t.Fatalf("took %s: %v", took, err)
		}
		if r.Results[0].Region != "r2" || r.Hedged != 1 || r.Requests != 2 {
			t.Errorf("%+v", r)
		}
		if a, b := dead.raw[0], well.raw[0]; a != b {
			t.Errorf("the hedge sent other bytes:\n%s\n%s", a, b)
		}
	})
}

func TestWithoutHedgingASlowRegionIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := answering(func(ctx context.Context, e []json.RawMessage) ([]Verdict, error) {
			time.Sleep(time.Second)
			return accepts(ctx, e)
		})
		other := answering(accepts)
		if r, err := send(t, Config{Endpoints: regions(slow, other)}, 1); err != nil || r.Results[0].Region != "r1" || len(other.requests()) != 0 {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestAFailureIsFollowedByTheNextRegionAtOnce(t *testing.T) {
	t.Parallel()
	for _, hedge := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			r, err := send(t, Config{Endpoints: regions(answering(fails(errDown)), answering(accepts)), Hedge: hedge}, 1)
			if took := time.Since(start); err != nil || took != 0 || r.Results[0].Region != "r2" || r.Hedged != 0 {
				t.Errorf("hedge %t: took %s, %+v, %v", hedge, took, r, err)
			}
		})
	}
}

func TestAThirdRegionIsAskedWhenTheHedgeFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r, err := send(t, Config{
			Endpoints: regions(answering(swallows), answering(fails(errDown)), answering(accepts)), Hedge: true,
		}, 1)
		if took := time.Since(start); err != nil || took != 100*time.Millisecond || r.Results[0].Region != "r3" {
			t.Errorf("took %s, %+v, %v", took, r, err)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		busy := answering(fails(&Unavailable{RetryAfter: 7 * time.Second, Cause: errors.New("429")}), accepts)
		start := time.Now()
		r, err := send(t, Config{Endpoints: regions(busy)}, 1)
		if took := time.Since(start); err != nil || took < 7*time.Second || took > 8*time.Second || r.Rounds != 2 {
			t.Errorf("took %s and %d rounds: %v", took, r.Rounds, err)
		}
	})
}

func TestARegionThatAsksForTimeIsLeftAloneMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		busy := answering(fails(&Unavailable{RetryAfter: 20 * time.Second, Cause: errors.New("429")}))
		other := answering(fails(errDown), fails(errDown), fails(errDown), accepts)
		if _, err := send(t, Config{Endpoints: regions(busy, other)}, 1); err != nil {
			t.Fatal(err)
		}
		if n := len(busy.requests()); n != 1 {
			t.Errorf("asked %d times within its Retry-After", n)
		}
	})
}

func TestTheTimeoutBoundsEverything(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]func(context.Context, []json.RawMessage) ([]Verdict, error){
		"refusing": fails(errDown), "swallowing": swallows,
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			r, err := send(t, Config{
				Endpoints: regions(answering(script), answering(script)), Timeout: 10 * time.Second, Attempt: time.Minute,
			}, 2)
			failed, ok := errors.AsType[*NotAccepted](err)
			if took := time.Since(start); !ok || failed.Open != 2 || took > 10*time.Second {
				t.Errorf("%s: took %s, %v", name, took, err)
			}
			if r.Results[0].State != Open || r.Results[0].Code != loop.CodeUnavailable || r.Results[0].Detail == "" {
				t.Errorf("%s: %+v", name, r.Results[0])
			}
		})
	}
}

func TestWaitingInVainIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		busy := answering(fails(&Unavailable{RetryAfter: time.Hour, Cause: errors.New("503")}))
		start := time.Now()
		if _, err := send(t, Config{Endpoints: regions(busy)}, 1); err == nil || time.Since(start) != 0 {
			t.Errorf("took %s: %v", time.Since(start), err)
		}
	})
}

func TestOneRequestIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r, err := send(t, Config{Endpoints: regions(answering(swallows), answering(accepts)), Attempt: 3 * time.Second}, 1)
		if took := time.Since(start); err != nil || took != 3*time.Second || r.Results[0].Region != "r2" {
			t.Errorf("took %s, %+v, %v", took, r, err)
		}
	})
}

// after answers with the verdicts when d has passed.
func after(d time.Duration, verdicts ...Verdict) func(context.Context, []json.RawMessage) ([]Verdict, error) {
	return func(context.Context, []json.RawMessage) ([]Verdict, error) {
		time.Sleep(d)
		return verdicts, nil
	}
}

func TestWhatOneRegionAcceptedNoOtherCanRefuse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := answering(after(200*time.Millisecond, Verdict{State: Accepted, Copies: 2}, Verdict{State: Open}))
		second := answering(after(200*time.Millisecond, Verdict{State: Refused, Code: loop.CodeReserved}, Verdict{State: Accepted, Copies: 1}))
		r, err := send(t, Config{Endpoints: regions(first, second), Hedge: true}, 2)
		if err != nil || r.Results[0].Region != "r1" || r.Results[0].Copies != 2 || r.Results[1].Region != "r2" {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestTheReasonOfOneEventIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		half := answering(func(context.Context, []json.RawMessage) ([]Verdict, error) {
			return []Verdict{{State: Open, Code: loop.CodeThrottled, Detail: "this one"}}, errDown
		})
		r, err := send(t, Config{Endpoints: regions(half), Timeout: time.Second}, 1)
		if err == nil || r.Results[0].Code != loop.CodeThrottled || r.Results[0].Detail != "this one" {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestOnlyWhatIsOpenIsSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		partial := answering(func(context.Context, []json.RawMessage) ([]Verdict, error) {
			return []Verdict{{State: Accepted, Copies: 2}, {State: Open, Code: loop.CodeUnavailable}, {State: Refused, Code: loop.CodeInvalidEvent}}, errDown
		})
		other := answering(accepts)
		r, err := send(t, Config{Endpoints: regions(partial, other)}, 3)
		failed, _ := errors.AsType[*NotAccepted](err)
		if failed == nil || failed.Refused != 1 || failed.Open != 0 || r.Count(Accepted) != 2 {
			t.Fatalf("%+v %v", r, err)
		}
		if got := other.requests(); len(got) != 1 || !slices.Equal(got[0], []string{"id-1"}) {
			t.Errorf("the other region got %v", got)
		}
		if r.Results[1].Region != "r2" || r.Results[0].Region != "r1" {
			t.Errorf("%+v", r.Results)
		}
	})
}

func TestBarredIsNoReasonToTryAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		barred := answering(fails(&Barred{loop.CodeUnauthorized, "403"}))
		start := time.Now()
		r, err := send(t, Config{Endpoints: regions(barred)}, 1)
		if err == nil || time.Since(start) != 0 || len(barred.requests()) != 1 || r.Results[0].Code != loop.CodeUnauthorized {
			t.Errorf("%+v %v", r, err)
		}
		// Where another region lets the caller in, only that one is asked again.
		again := answering(fails(errDown), fails(errDown), accepts)
		barred = answering(fails(&Barred{loop.CodeUnauthorized, "403"}))
		if _, err := send(t, Config{Endpoints: regions(barred, again)}, 1); err != nil || len(barred.requests()) != 1 {
			t.Errorf("asked %d times: %v", len(barred.requests()), err)
		}
	})
}

func TestTheRegionThatAnsweredIsAskedFirstNextTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dead, well := answering(swallows), answering(accepts)
		c, err := New(Config{Endpoints: regions(dead, well), Hedge: true})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := c.Send(t.Context(), signals(1)...); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(dead.requests()); n != 1 {
			t.Errorf("the dead region was asked %d times", n)
		}
	})
}

func TestAnInterruptEndsSend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c, err := New(Config{Endpoints: regions(answering(swallows))})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		if _, err := c.Send(ctx, signals(1)...); err == nil || time.Since(start) != time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestAMiscountingTransportSettlesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		short := answering(func(context.Context, []json.RawMessage) ([]Verdict, error) {
			return []Verdict{{State: Accepted}}, nil
		})
		if r, err := send(t, Config{Endpoints: regions(short, answering(accepts))}, 2); err != nil || r.Results[0].Region != "r2" {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestBackoffGrowsIsCappedAndNeverZero(t *testing.T) {
	t.Parallel()
	b := Backoff{Base: 100 * time.Millisecond, Cap: 5 * time.Second, Rand: func(n int64) int64 { return n - 1 }}
	for round, want := range map[int]time.Duration{0: 100 * time.Millisecond, 3: 800 * time.Millisecond, 9: 5 * time.Second, 1000: 5 * time.Second} {
		if got := b.next(round); got != want {
			t.Errorf("round %d: %s, want %s", round, got, want)
		}
	}
	b.Rand = func(int64) int64 { return 0 }
	if got := b.next(0); got != 10*time.Millisecond {
		t.Errorf("at least %s", got)
	}
}
