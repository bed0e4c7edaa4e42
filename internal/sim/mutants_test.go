package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/outputs"
)

// mutant is a part that is broken on purpose, the promise it breaks, and the seed that is tried first to show it.
type mutant struct {
	name    string
	promise string
	seed    uint64
	breaks  Mutant
	faults  []Fault   // instead of those that the seed draws, where two must meet
	signals []Planned // likewise
	orders  []Order   // likewise
	watched bool      // there is health
}

func (m mutant) plan(seed uint64) Plan {
	p := NewPlan(seed)
	p.Health = p.Health || m.watched
	if m.signals != nil {
		p.Signals, p.Faults = m.signals, nil
	}
	if m.faults != nil {
		p.Faults = m.faults
	}
	if m.orders != nil {
		p.Orders = m.orders
	}
	return p
}

// Faults that some mutants need to show.
func halfDeployed() []Fault {
	return []Fault{
		{Row: "18", Kind: Deploy, Region: regionB},
		{Row: "29", Kind: Targets, Mode: modeAfter500, P: 0.7, For: 10 * time.Minute},
	}
}

// races is pairs of signals that call for the same opening, in two regions at the same moment.
func races() (all []Planned) {
	for i := range 20 {
		at := time.Duration(i) * 5 * time.Second
		for j, region := range []string{regionA, regionB} {
			all = append(all, Planned{
				At: at, Time: at + time.Duration(j)*time.Millisecond, Input: "both", ID: fmt.Sprintf("r%d-%d", i, j), Type: typeLevel,
				Subject: fmt.Sprintf("k%d", i), Data: `{"value":9}`, Regions: []string{region},
			})
		}
	}
	return all
}

// relapses are tasks of rule `tuned`, each of which something worse follows.
func relapses() (all []Planned) {
	for i := range 6 {
		at := time.Duration(i) * 20 * time.Second
		all = append(all, Planned{
			At: at, Time: at, Input: "both", ID: fmt.Sprintf("t%d", i), Type: typeTask, Subject: "k0",
			Data: fmt.Sprintf(`{"value":%d}`, 8*((i+1)%2)), Regions: []string{regionA},
		})
	}
	return all
}

func lostRegion(point Point) []Fault {
	return []Fault{{Row: "37", Kind: Kill, Region: regionA, At: 3 * time.Minute, Point: point, Nth: 1, Mode: "lost"}}
}

func mutants() []mutant {
	return []mutant{
		{name: "Open always says opened", promise: "P2", seed: 1, breaks: Mutant{Claims: claimsOf(func(c *brokenClaims) { c.alwaysOpened = true })}},
		{name: "a commit ignores the token", promise: "P2", seed: 6, breaks: Mutant{Claims: claimsOf(func(c *brokenClaims) { c.anyToken = true })}},
		{name: "a lost answer of Open is taken for success", promise: "P2", seed: 19, breaks: Mutant{Claims: claimsOf(func(c *brokenClaims) { c.guessOpen = true })}},
		{name: "a failed commit is taken for success", promise: "P1", seed: 19, breaks: Mutant{Claims: claimsOf(func(c *brokenClaims) { c.guessSwap = true })}},
		{name: "a takeover sends its own bytes, not the first ones", promise: "P2", seed: 19, breaks: Mutant{Claims: claimsOf(func(c *brokenClaims) { c.ownBytes = true })}, faults: halfDeployed()},
		{name: "an undo does not wait for its do", promise: "P2", seed: 9, breaks: Mutant{Claims: claimsOf(func(c *brokenClaims) { c.doIsDone = true })}},
		{name: "messages are acknowledged before they are handled", promise: "P1", seed: 42, breaks: Mutant{AckFirst: true}},
		{name: "episodes are written without their condition", promise: "P2", seed: 0, breaks: Mutant{Episodes: func(_ string, e decide.Episodes) decide.Episodes { return blindEpisodes{e} }}, signals: races()},
		{name: "window entries are not stored", promise: "P1", seed: 0, breaks: Mutant{Windows: func(_ string, w decide.Windows) decide.Windows { return deafWindows{w} }}},
		{name: "there is no standby copy", promise: "P1", seed: 0, breaks: queueOf(func(region, to, queue string, m loop.Outgoing) bool {
			return queue == loop.QueueSignals && to != region && m.Delay > 0
		}), faults: lostRegion(After202)},
		{name: "what must wait is not sent again", promise: "P1", seed: 6, breaks: queueOf(func(_, _, queue string, m loop.Outgoing) bool {
			return queue == loop.QueueActions && m.Delay > 0
		})},
		{name: "what is hopeless is dropped, not quarantined", promise: "P1", seed: 0, breaks: queueOf(func(_, _, queue string, _ loop.Outgoing) bool {
			return queue == loop.DeadLetter(loop.QueueSignals)
		})},
		{name: "outcomes are not emitted", promise: "P1", seed: 8, breaks: queueOf(func(region, to, queue string, m loop.Outgoing) bool {
			return queue == loop.QueueSignals && to == region && strings.Contains(string(m.Body), loop.OutcomeTypePrefix)
		})},
		{name: "a failed send is taken for stored", promise: "P1", seed: 0, breaks: Mutant{Queue: func(_ string, q act.Queue) act.Queue { return hopefulQueue{q} }}},
		{name: "outputs are not written", promise: "P4", seed: 0, breaks: Mutant{Outputs: func(_ string, o act.Outputs) act.Outputs { return lazyOutputs{o} }}},
		{name: "a target sends twice by itself", promise: "P2", seed: 1, breaks: Mutant{Target: func(t act.Target) act.Target { return twice{t} }}},
		{name: "an ambiguous answer is taken for success", promise: "P1", seed: 1, breaks: Mutant{Target: func(t act.Target) act.Target { return hopeful{t} }}},
		{name: "a claim is held for too long", promise: "P3", seed: 0, breaks: Mutant{Act: func(c *act.Config) { c.Hold = 3 * time.Minute }}, faults: lostRegion(AfterClaim)},
		{name: "an attempt may last longer than its claim", promise: "P2", seed: 0, breaks: Mutant{Act: func(c *act.Config) { c.Hold, c.Margin = 20*time.Millisecond, -time.Minute }}},
		{name: "a fenced target takes what is older", promise: "P2", seed: 6, breaks: Mutant{Target: func(t act.Target) act.Target { return careless{t, loop.ClassFenced} }}},
		{name: "a set target is written without a look", promise: "P2", seed: 8, breaks: Mutant{Target: func(t act.Target) act.Target { return careless{t, loop.ClassSet} }}},
		{name: "an ambiguous answer of a once target is taken for a failure", promise: "P2", seed: 0, breaks: Mutant{Target: func(t act.Target) act.Target { return eager{t} }}, faults: deafTargets()},
		{name: "kill switches are not known", promise: "P2", seed: 0, breaks: controlsOf(func(c *loop.Controls) { c.Kills = nil }), orders: drill()},
		{name: "kill switches are remembered for half a minute", promise: "P2", seed: 0, breaks: Mutant{Act: func(c *act.Config) { c.Controls = &slowControls{Controls: c.Controls, now: c.Now} }}, orders: drill()},
		{name: "silences are not known", promise: "P2", seed: 0, breaks: controlsOf(func(c *loop.Controls) { c.Silences = nil }), orders: drill()},
		{name: "throttles are not written down", promise: "P2", seed: 1, breaks: Mutant{Act: func(c *act.Config) { c.Throttles = forgetful{c.Throttles} }}},
		{name: "budgets have no end", promise: "P2", seed: 0, breaks: Mutant{Act: func(c *act.Config) { c.Budgets = endless{c.Budgets} }}},
		{name: "a rule that makes things worse is not stopped", promise: "P2", seed: 0, breaks: Mutant{Act: func(c *act.Config) { c.Stopper = idle{} }}, signals: relapses()},
		{name: "nobody waits for an approval", promise: "P2", seed: 0, breaks: rewrites(`"approval":true`, `"approval":false`)},
		{name: "timers are lost", promise: "P1", seed: 0, breaks: queueOf(func(_, _, queue string, m loop.Outgoing) bool {
			return queue == loop.QueueSignals && m.Group == loop.TimerSource
		})},
		{name: "what need not wait for claims waits", promise: "P3", seed: 0, breaks: rewrites(`"sendUnclaimed":true`, `"sendUnclaimed":false`), signals: relapses(), faults: noClaims()},
		{name: "nobody asks for canaries", promise: "P3", seed: 0, breaks: Mutant{
			Health:   func(h *outputs.Health) { h.Canaries = nil },
			Observer: func(o *observe.Observer) { o.Bounds.ReceiptAge = loop.Duration(time.Hour) },
		}, watched: true, faults: stuck()},
	}
}

// stuck is a region that takes signals and lands nothing.
func stuck() []Fault {
	return []Fault{{Row: "43", Kind: Stop, Region: regionB, Mode: loop.QueueActions, At: 2 * time.Minute, For: 10 * time.Minute}}
}

// Faults and orders that more mutants need.
func deafTargets() []Fault {
	return []Fault{{Row: "29", Kind: Targets, Mode: modeAfter500, P: 1, For: 10 * time.Minute}}
}

func noClaims() []Fault {
	return []Fault{{Row: "34", Kind: Fail, Point: AnyClaims, P: 1, For: 3 * time.Minute}}
}

func drill() []Order {
	return []Order{
		{Kind: OrderKill, At: time.Minute, For: 9 * time.Minute, Rule: "hook"},
		{Kind: OrderSilence, At: time.Minute, For: 9 * time.Minute, Rule: "brief"},
	}
}

// elsewhere is how many seeds besides its own may show a mutant. Its own seed is tried first and nearly always shows it;
// but a call more in any stage gives every seed another run, and a mutant that only one run in ten shows would then
// be missed for no fault of the checks.
const elsewhere = 60

// seeds are those to look for the mutant with, its own first.
func (m mutant) seeds() []uint64 {
	all := []uint64{m.seed}
	for s := range uint64(elsewhere) {
		if s != m.seed {
			all = append(all, s)
		}
	}
	return all
}

// caught runs the mutant's seeds until one shows it; found is "" where none does.
func (m mutant) caught() (seed uint64, found string) {
	for _, seed := range m.seeds() {
		if found := finding(Run(m.plan(seed), Options{Break: m.breaks}), m.promise); found != "" {
			return seed, found
		}
	}
	return 0, ""
}

// Each mutant must be caught, and the plan that caught it must be clean without it. With MUTANTS=table the table of
// docs/simulator.md is printed.
func TestEachMutantIsCaught(t *testing.T) {
	t.Parallel()
	table := os.Getenv("MUTANTS") == "table"
	rows := make([]string, len(mutants()))
	t.Run("all", func(t *testing.T) {
		for i, m := range mutants() {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				seed, found := m.caught()
				if found == "" {
					t.Fatalf("neither seed %d nor any of the first %d shows it", m.seed, elsewhere)
				}
				t.Logf("seed %d: %.110s", seed, found)
				rows[i] = fmt.Sprintf("| %s | %d | %.110s |\n", m.name, seed, found)
				if r := Run(m.plan(seed), Options{}); r.Failed() {
					t.Errorf("seed %d fails without the mutant too: %q", seed, r.Violations)
				}
			})
		}
	})
	if table {
		fmt.Print("| broken on purpose | caught by seed | first finding |\n|---|---|---|\n", strings.Join(rows, ""))
	}
}

// The table in the docs has every mutant; which seed shows it may have changed since.
func TestTheDocumentNamesEachMutant(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants() {
		if !strings.Contains(string(text), "\n| "+m.name+" | ") {
			t.Errorf("docs/simulator.md has no row for %q: MUTANTS=table go test -run EachMutant -v ./internal/sim", m.name)
		}
	}
}

func finding(r *Result, promise string) string {
	for _, v := range r.Violations {
		if strings.HasPrefix(v, promise) {
			return v
		}
	}
	return ""
}

// brokenClaims is Claims with one or the other guard taken out.
type brokenClaims struct {
	act.Claims
	alwaysOpened, anyToken, guessOpen, guessSwap, ownBytes, doIsDone bool
}

func claimsOf(set func(*brokenClaims)) func(string, act.Claims) act.Claims {
	return func(_ string, c act.Claims) act.Claims {
		b := &brokenClaims{Claims: c}
		set(b)
		return b
	}
}

func (b *brokenClaims) Open(ctx context.Context, c loop.Claim) (loop.Claim, bool, error) {
	if b.doIsDone && c.Status == loop.StatusSuperseded {
		c.Status = loop.StatusDone
		return c, false, nil
	}
	stored, opened, err := b.Claims.Open(ctx, c)
	switch {
	case b.guessOpen && err != nil && !errors.Is(err, errGone):
		return c, true, nil
	case b.alwaysOpened && err == nil && !stored.Status.Terminal():
		return c, true, nil
	case b.ownBytes && err == nil:
		stored.Effect = c.Effect
	}
	return stored, opened, err
}

func (b *brokenClaims) Swap(ctx context.Context, next loop.Claim, token int64) error {
	if b.anyToken {
		if now, err := b.Get(ctx, next.EffectID); err == nil {
			token = now.Token
		}
	}
	err := b.Claims.Swap(ctx, next, token)
	if b.guessSwap && !errors.Is(err, errGone) {
		return nil
	}
	return err
}

// blindEpisodes overwrites whatever stands.
type blindEpisodes struct{ decide.Episodes }

func (e blindEpisodes) Put(ctx context.Context, next decide.Episode) error {
	now, err := e.Get(ctx, next.Ref)
	if err != nil {
		return err
	}
	next.Rev = now.Rev
	return e.Episodes.Put(ctx, next)
}

type deafWindows struct{ decide.Windows }

func (deafWindows) Put(context.Context, decide.Ref, []decide.Entry, time.Duration) error { return nil }

// leakyQueue loses messages and says that they are stored.
type leakyQueue struct {
	act.Queue
	region string
	leaks  func(region, to, queue string, m loop.Outgoing) bool
}

func queueOf(leaks func(region, to, queue string, m loop.Outgoing) bool) Mutant {
	return Mutant{Queue: func(region string, q act.Queue) act.Queue { return leakyQueue{q, region, leaks} }}
}

func (q leakyQueue) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	errs := make([]error, len(msgs))
	for i, m := range msgs {
		if !q.leaks(q.region, region, queue, m) {
			errs[i] = q.Queue.Send(ctx, region, queue, []loop.Outgoing{m})[0]
		}
	}
	return errs
}

type hopefulQueue struct{ act.Queue }

func (q hopefulQueue) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	q.Queue.Send(ctx, region, queue, msgs)
	return make([]error, len(msgs))
}

type lazyOutputs struct{ act.Outputs }

func (lazyOutputs) Write(context.Context, loop.Output) error { return nil }

type twice struct{ act.Target }

func (t twice) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	if a := t.Target.Deliver(ctx, e); a.Verdict != act.Retry {
		return a
	}
	return t.Target.Deliver(ctx, e)
}

type hopeful struct{ act.Target }

func (t hopeful) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	a := t.Target.Deliver(ctx, e)
	if a.Verdict == act.Retry {
		a.Verdict = act.Delivered
	}
	return a
}

// careless treats targets of one class as if nothing were compared there.
type careless struct {
	act.Target
	class loop.Class
}

func (t careless) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	if e.Class == t.class {
		e.Class = loop.ClassOnce
	}
	return t.Target.Deliver(ctx, e)
}

// eager says that nothing was applied where that is not known.
type eager struct{ act.Target }

func (t eager) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	a := t.Target.Deliver(ctx, e)
	if e.Class == loop.ClassOnce && a.Verdict == act.Retry {
		a.Verdict = act.Unsent
	}
	return a
}

type blindControls struct {
	act.Controls
	blind func(*loop.Controls)
}

func controlsOf(blind func(*loop.Controls)) Mutant {
	return Mutant{Act: func(c *act.Config) { c.Controls = blindControls{c.Controls, blind} }}
}

func (c blindControls) Load(ctx context.Context) (loop.Controls, error) {
	known, err := c.Controls.Load(ctx)
	c.blind(&known)
	return known, err
}

type slowControls struct {
	act.Controls
	now   func() time.Time
	known loop.Controls
	asked time.Time
}

func (c *slowControls) Load(ctx context.Context) (known loop.Controls, err error) {
	if !c.asked.IsZero() && c.now().Sub(c.asked) < 30*time.Second {
		return c.known, nil
	}
	c.asked = c.now()
	c.known, err = c.Controls.Load(ctx)
	return c.known, err
}

type forgetful struct{ act.Throttles }

func (forgetful) Put(context.Context, loop.Throttle) error { return nil }

type endless struct{ act.Budgets }

func (b endless) Spend(ctx context.Context, key, id string, _ int) (bool, error) {
	return b.Budgets.Spend(ctx, key, id, 1000)
}

type idle struct{}

func (idle) Store(context.Context, loop.Controls) error { return nil }

// rewriting changes what is sent.
type rewriting struct {
	act.Queue
	from, to string
}

func rewrites(from, to string) Mutant {
	return Mutant{Queue: func(_ string, q act.Queue) act.Queue { return rewriting{q, from, to} }}
}

func (q rewriting) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	for i := range msgs {
		msgs[i].Body = bytes.ReplaceAll(msgs[i].Body, []byte(q.from), []byte(q.to))
	}
	return q.Queue.Send(ctx, region, queue, msgs)
}
