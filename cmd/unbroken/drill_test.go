package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
)

const west = "us-west-2"

// drillWorld is two regions that answer as their states say, on a clock that only waiting moves.
type drillWorld struct {
	*terminalOf
	mu    sync.Mutex
	clock time.Time
	dead  map[string]bool     // the endpoint answers 500
	deaf  bool                // the drained region goes on answering 200
	at    func(time.Duration) // called with how long it has been, before time goes on
	took  time.Duration       // of every signal, however many regions it is sent to
	sent  map[string]int
	seen  map[string]bool // bodies
	mute  string          // this region's canaries leave no receipts any more
	ill   string          // this region's health answers 500
	stuck bool            // DNS answers what it answered before
	left  bool            // DNS answered without the drained region, and
	lost  bool            // never answers with it again, or
	late  time.Duration   // that long after the restore
}

func newDrillWorld(t *testing.T) *drillWorld {
	t.Helper()
	w := &drillWorld{terminalOf: newTerminal(), clock: testNow, dead: map[string]bool{}, sent: map[string]int{}, seen: map[string]bool{}}
	w.Now = func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.clock }
	w.Wait = func(ctx context.Context, d time.Duration) error {
		if w.at != nil {
			w.at(w.Now().Sub(testNow))
		}
		w.pass(d)
		for _, name := range []string{east, west} {
			landed := w.Now().Add(-20 * time.Second)
			if name == w.mute {
				landed = w.Now().Add(-100 * time.Second)
			}
			w.cloud.put(name, loop.ReceiptKey(name), loop.KindHTTP, loop.Receipt{LandedAt: landed})
		}
		return ctx.Err()
	}
	for _, name := range []string{east, west} {
		server := httptest.NewServer(http.HandlerFunc(func(res http.ResponseWriter, req *http.Request) { w.serve(t, name, res, req) }))
		t.Cleanup(server.Close)
		w.cloud.announce(name, server.URL)
	}
	// DNS answers the far region until its checks have failed.
	w.Lookup = func(_ context.Context, resolver, host string) ([]string, error) {
		drained := w.now(t, east, west)
		since := w.Now().Sub(drained.Since)
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case resolver != "127.0.0.1:53" && resolver != "":
			t.Errorf("asked %q", resolver)
		case host == west+".loop.test":
			return []string{"192.0.2.2"}, nil
		case host == "loop.test" && w.left && (w.lost || since < w.late):
		case host == "loop.test" && (w.stuck || drained.State != region.Drained || since < 40*time.Second):
			return []string{"192.0.2.2"}, nil
		}
		w.left = w.left || host == "loop.test"
		return []string{"192.0.2.1"}, nil
	}
	return w
}

func (w *drillWorld) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

func (w *drillWorld) serve(t *testing.T, name string, res http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	w.mu.Lock()
	dead, deaf := w.dead[name] || w.ill == name && req.URL.Path == "/v1/health", w.deaf
	w.mu.Unlock()
	switch {
	case dead:
		res.WriteHeader(http.StatusInternalServerError)
	case w.state(name) == region.Drained && !deaf:
		res.WriteHeader(http.StatusServiceUnavailable)
	case req.URL.Path == "/v1/health":
	case req.URL.Path != "/v1/signals/default":
		res.WriteHeader(http.StatusNotFound)
	default:
		w.mu.Lock()
		if !w.seen[string(body)] { // a hedge, which a busy machine brings about, has the same bytes
			w.clock = w.clock.Add(w.took)
		}
		w.seen[string(body)] = true
		w.sent[name]++
		w.mu.Unlock()
		acceptAll(res, body)
	}
}

// state is what the region's own table says of it, whether anybody else can read it or not.
func (w *drillWorld) state(name string) region.State {
	w.cloud.mu.Lock()
	defer w.cloud.mu.Unlock()
	var e region.Entry
	_ = json.Unmarshal(w.cloud.docs[name+"|"+region.StateKey(name)+"|"+region.OperatorKey(name)], &e)
	return e.State
}

func (w *drillWorld) drill(t *testing.T, ctx context.Context, more ...string) (code int) { //nolint:revive // as in the package
	t.Helper()
	w.out.Reset()
	w.err.Reset()
	return w.run(ctx, append([]string{"drill", west, "-c", testLoop, "--for", "60s"}, more...)...)
}

func TestADrillDrainsMeasuresAndRestores(t *testing.T) {
	t.Parallel()
	w := newDrillWorld(t)
	w.took = 20 * time.Millisecond
	w.at = func(since time.Duration) {
		w.cloud.mu.Lock()
		defer w.cloud.mu.Unlock()
		w.cloud.depth[west+"|signals"] = 0
		if since > 10*time.Second && since < 20*time.Second {
			w.cloud.depth[west+"|signals"] = 7
		}
	}
	if code := w.drill(t, t.Context(), "--domain", "loop.test", "--resolver", "127.0.0.1:53"); code != exitOK {
		t.Fatalf("exit %d: %s%s", code, w.err.String(), w.out.String())
	}
	golden(t, "drill", w.out.String())
	if e := w.now(t, east, west); e.State != region.Active || e.Order != region.Restore {
		t.Errorf("it was left %+v", e)
	}
	trail, err := w.cloud.Query(t.Context(), east, "audit#"+east)
	if err != nil || len(trail) != 2 {
		t.Errorf("%d of 2 orders are audited: %v, %v", len(trail), trail, err)
	}
	if w.sent[east] < 100 {
		t.Errorf("sent %v", w.sent)
	}
	// The next one may begin at once.
	if code := w.drill(t, t.Context(), "--json"); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	var r drillReport
	if err := json.Unmarshal(w.out.Bytes(), &r); err != nil || r.HealthOut == nil || r.DNSOut != nil || r.Drained.Sent < 50 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestADrillIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(w *drillWorld)
		args   []string
		code   int
		says   string
	}{
		"of a drained region":        {func(w *drillWorld) { w.must(t, "drain", west, "--reason", "x") }, nil, exitProblem, "us-west-2 is drained"},
		"of a frozen one":            {func(w *drillWorld) { w.must(t, "freeze", west, "--reason", "x") }, nil, exitProblem, "not frozen"},
		"where the other is dead":    {func(w *drillWorld) { w.dead[east] = true }, nil, exitProblem, "nobody else would take"},
		"where the other is drained": {func(w *drillWorld) { w.must(t, "drain", east, "--reason", "x") }, nil, exitProblem, "us-east-2 is drained"},
		"where the region is ill":    {func(w *drillWorld) { w.dead[west] = true }, nil, exitProblem, "nothing was drained"},
		"where nothing is accepted":  {func(*drillWorld) {}, []string{"--input", "nothing"}, exitProblem, "nothing was drained"},
		"for no time":                {func(*drillWorld) {}, []string{"--for", "1s"}, exitUsage, "--for"},
		"while another one runs":     {func(w *drillWorld) { w.lock(t, testNow.Add(time.Second)) }, nil, exitProblem, "runs already"},
		"where that cannot be told":  {func(w *drillWorld) { w.cloud.dead["claims "+east], w.cloud.dead["claims "+west] = true, true }, nil, exitUnreachable, "cannot be made sure"},
		"of a region that is none":   {func(*drillWorld) {}, nil, exitUsage, "no loop region"},
	} {
		w := newDrillWorld(t)
		c.before(w)
		state := w.now(t, east, west)
		args := append([]string{"drill", west, "-c", testLoop}, c.args...)
		if strings.Contains(name, "none") {
			args[1] = "us-east-1"
		}
		w.err.Reset()
		if code := w.run(t.Context(), args...); code != c.code || !strings.Contains(w.err.String(), c.says) {
			t.Errorf("%s: exit %d: %s", name, code, w.err.String())
		}
		if e := w.now(t, east, west); e != state {
			t.Errorf("%s: it is %+v", name, e)
		}
	}
}

// lock is what a drill that runs, or died, has written.
func (w *drillWorld) lock(t *testing.T, until time.Time) {
	t.Helper()
	if err := w.cloud.records.In(east).Store(t.Context(), drillKey, drilling{Region: west, By: "ann", Until: until}, 0); err != nil {
		t.Fatal(err)
	}
}

func TestADrillThatDiedHoldsUpNobodyForLong(t *testing.T) {
	t.Parallel()
	w := newDrillWorld(t)
	w.lock(t, testNow)
	if code := w.drill(t, t.Context()); code != exitOK {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
}

// However it ends, the region is restored, and what was measured is told.
func TestADrillThatIsAbortedRestores(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		strike func(w *drillWorld, cancel func())
		says   string
	}{
		"by the person":                   {func(_ *drillWorld, cancel func()) { cancel() }, "interrupted"},
		"because the other region is ill": {func(w *drillWorld, _ func()) { w.mu.Lock(); defer w.mu.Unlock(); w.ill = east }, errAlone.Error()},
	} {
		w := newDrillWorld(t)
		ctx, cancel := context.WithCancel(t.Context())
		drained := time.Duration(0)
		w.at = func(since time.Duration) {
			if w.now(t, east, west).State != region.Drained {
				return
			}
			if drained == 0 {
				drained = since
			}
			if since > drained+5*time.Second {
				c.strike(w, cancel)
			}
		}
		if code := w.drill(t, ctx); code != exitProblem || !strings.Contains(w.err.String(), "restored: "+c.says) || !strings.Contains(w.out.String(), "health answered 503") {
			t.Errorf("%s: exit %d: %s%s", name, code, w.err.String(), w.out.String())
		}
		cancel()
		if e := w.now(t, east, west); e.State != region.Active || e.Order != region.Restore {
			t.Errorf("%s: it was left %+v", name, e)
		}
		if since := w.Now().Sub(testNow); since > 20*time.Second {
			t.Errorf("%s: it went on for %s", name, since)
		}
	}
}

// A person who orders something meanwhile means it.
func TestADrillLeavesAnotherPersonsOrder(t *testing.T) {
	t.Parallel()
	w := newDrillWorld(t)
	w.at = func(since time.Duration) {
		if since == 20*time.Second {
			for _, table := range []string{east, west} {
				w.cloud.put(table, region.StateKey(west), region.OperatorKey(table), region.Entry{State: region.Drained, Order: region.Drain, Since: w.Now(), By: "bob"})
			}
		}
	}
	if code := w.drill(t, t.Context()); code != exitProblem || !strings.Contains(w.out.String(), "bob ordered drain meanwhile") {
		t.Errorf("exit %d: %s%s", code, w.err.String(), w.out.String())
	}
	if e := w.now(t, east, west); e.By != "bob" || e.State != region.Drained {
		t.Errorf("it was left %+v", e)
	}
}

// Before the drill's own order, too: it would overwrite what a person has just ordered, and then "restore" that.
func TestADrillDrainsNothingThatChangedWhileItLooked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		region string
		now    region.Entry
		says   string
	}{
		"a freeze":                {west, region.Entry{State: region.Active, Order: region.Freeze, By: "bob"}, "us-west-2 is active, by bob"},
		"a drain":                 {west, region.Entry{State: region.Drained, Order: region.Drain, By: "bob"}, "us-west-2 is drained, by bob"},
		"a drain of the other":    {east, region.Entry{State: region.Drained, Order: region.Drain, By: "bob"}, "no other region is active any more"},
		"observers' of the other": {east, region.Entry{State: region.Drained, By: "us-east-1"}, "no other region is active any more"},
	} {
		w := newDrillWorld(t)
		w.deaf = true // health alone does not tell
		w.at = func(since time.Duration) {
			if since != 2*time.Second {
				return
			}
			c.now.Since = w.Now()
			for _, table := range []string{east, west} {
				writer := region.OperatorKey(table)
				if c.now.Order == "" {
					writer = "us-east-1"
				}
				w.cloud.put(table, region.StateKey(c.region), writer, c.now)
			}
		}
		if code := w.drill(t, t.Context()); code != exitProblem || !strings.Contains(w.err.String(), "nothing was drained: "+c.says) {
			t.Errorf("%s: exit %d: %s%s", name, code, w.err.String(), w.out.String())
		}
		if e := w.now(t, east, c.region); e != c.now {
			t.Errorf("%s: it was left %+v", name, e)
		}
	}
}

// Its two orders are orders like all: what did not reach a table, or the audit trail, is told.
func TestADrillTellsOfTablesAndTrailsThatItDidNotReach(t *testing.T) {
	t.Parallel()
	w := newDrillWorld(t)
	w.Cloud = func(aws.Config, deployment) *cloud {
		c := w.cloud.cloud()
		c.Docs = &between{fakeCloud: w.cloud, unaudited: true}
		return c
	}
	w.at = func(since time.Duration) {
		w.cloud.mu.Lock()
		defer w.cloud.mu.Unlock()
		w.cloud.dead[east] = since > 30*time.Second
	}
	code := w.drill(t, t.Context())
	for _, want := range []string{
		"! drain: us-east-2 has the order and not its audit entry; write down who gave it and why: ",
		"! drain: us-west-2 has the order and not its audit entry; write down who gave it and why: ",
		"! restore: not written to us-east-2, which learns of it by replication: ",
		"! restore: us-west-2 has the order and not its audit entry; write down who gave it and why: ",
	} {
		if code != exitProblem || strings.Count(w.out.String(), want) != 1 {
			t.Errorf("exit %d, no %q: %s%s", code, want, w.err.String(), w.out.String())
		}
	}
}

func TestADrillFindsWhatIsNotAsItShouldBe(t *testing.T) {
	t.Parallel()
	dns := []string{"--domain", "loop.test", "--resolver", "127.0.0.1:53"}
	for name, c := range map[string]struct {
		at   func(w *drillWorld)
		says string
		args []string
	}{
		"health that does not turn": {func(w *drillWorld) { w.deaf = true }, "! health did not answer 503 within 5s", nil},
		"a producer that waits":     {func(w *drillWorld) { w.took = 1200 * time.Millisecond }, "! a producer waited 1.2s", nil},
		"a canary without receipts": {func(w *drillWorld) { w.mute = east }, "! the canary us-east-2/http left no receipt", nil},
		"a name that stays":         {func(w *drillWorld) { w.stuck = true }, "! DNS did not leave us-west-2 out within 1m45s", append(dns, "--for", "2m")},
		"a name that never returns": {func(w *drillWorld) { w.lost = true }, "! DNS did not answer with us-west-2 again within 1m45s of its health", dns},
		"a drill that is too short": {func(*drillWorld) {}, "! not long enough to tell whether DNS leaves us-west-2 out: it had not after 30s", append(dns, "--for", "30s")},
	} {
		w := newDrillWorld(t)
		w.at = func(since time.Duration) {
			if since > 4*time.Second {
				w.mu.Lock()
				defer w.mu.Unlock()
				c.at(w)
			}
		}
		if code := w.drill(t, t.Context(), c.args...); code != exitProblem || !strings.Contains(w.out.String(), c.says) {
			t.Errorf("%s: exit %d: %s%s", name, code, w.err.String(), w.out.String())
		}
		if e := w.now(t, east, west); e.State != region.Active {
			t.Errorf("%s: it was left %+v", name, e)
		}
	}
}

// Checks and time to live take longer than health does.
func TestADrillWaitsUntilDNSAnswersTheRegionAgain(t *testing.T) {
	t.Parallel()
	w := newDrillWorld(t)
	w.late = 100 * time.Second
	if code := w.drill(t, t.Context(), "--domain", "loop.test", "--resolver", "127.0.0.1:53"); code != exitOK || strings.Contains(w.out.String(), "not seen") {
		t.Errorf("exit %d: %s%s", code, w.err.String(), w.out.String())
	}
}

// An API may answer to its region's name and refuse the one that all share.
func TestADrillAsksTheSharedNameOnce(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]int{http.StatusOK: exitOK, http.StatusForbidden: exitProblem} {
		w, asked := newDrillWorld(t), 0
		w.HTTP = &http.Client{Transport: answering(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "loop.test" {
				return http.DefaultTransport.RoundTrip(r)
			}
			asked++
			if r.URL.String() != "https://loop.test/v1/health" {
				t.Errorf("asked %s", r.URL)
			}
			return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: http.NoBody}, nil
		})}
		// The time is what DNS needs where none is given.
		if got := w.run(t.Context(), "drill", west, "-c", testLoop, "--domain", "loop.test"); got != code || asked != 1 {
			t.Errorf("%d: exit %d, asked %d times: %s%s", status, got, asked, w.err.String(), w.out.String())
		}
		if since := w.Now().Sub(testNow); since < drillDNS {
			t.Errorf("it took %s", since)
		}
		if said := strings.Contains(w.out.String(), "! https://loop.test/v1/health before the drill: unreachable: answered Forbidden"); said != (code == exitProblem) {
			t.Errorf("%d: %s", status, w.out.String())
		}
	}
}

// A drill does not forget what the control plane was told, and its orders come after all that is known.
func TestADrillCarriesOnWhatAnOrderHas(t *testing.T) {
	t.Parallel()
	w := newDrillWorld(t)
	w.must(t, "drain", west, "--reason", "x", "--control-plane", "loop.test")
	w.pass(time.Second)
	w.must(t, "restore", west, "--reason", "x")
	if code := w.drill(t, t.Context()); code != exitOK {
		t.Fatalf("exit %d: %s%s", code, w.err.String(), w.out.String())
	}
	if e := w.now(t, east, west); e.Order != region.Restore || e.Why != "drill" || e.ControlPlane != "loop.test" {
		t.Errorf("it was left %+v", e)
	}
}

// The worst: it cannot be put back. That is the first thing to know.
func TestADrillThatCannotRestoreSaysSo(t *testing.T) {
	t.Parallel()
	w := newDrillWorld(t)
	w.at = func(since time.Duration) {
		if since > 30*time.Second {
			w.cloud.mu.Lock()
			defer w.cloud.mu.Unlock()
			w.cloud.dead[east], w.cloud.dead[west] = true, true
		}
	}
	if code := w.drill(t, t.Context()); code != exitUnreachable || !strings.Contains(w.err.String(), "STILL DRAINED") {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
}
