package sweep_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/sweep"
)

const region = "us-east-2"

var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// world is a table with a clock that moves only while the sweeper waits.
type world struct {
	t        *testing.T
	now      time.Time
	waited   time.Duration
	claims   *mem.Claims
	episodes *mem.Episodes
	limits   *mem.Limits
	docs     *mem.Documents
	overdue  []sweep.Overdue
	swept    []sweep.Found
	onWait   func()
}

func newWorld(t *testing.T, fault mem.Fault) *world {
	w := &world{t: t, now: start, claims: mem.NewClaims(fault), episodes: mem.NewEpisodes(nil), limits: mem.NewLimits(nil)}
	w.docs = mem.NewDocuments(mem.NewReplicas(mem.ReplicasConfig{
		Regions: []string{region, "us-west-2"}, Now: func() time.Time { return w.now }, Immediate: true,
	}), region)
	return w
}

func (w *world) Overdue(_ context.Context, o sweep.Overdue) { w.overdue = append(w.overdue, o) }
func (w *world) Swept(_ context.Context, _ sweep.Pass, found sweep.Found) {
	w.swept = append(w.swept, found)
}

func (w *world) run(ctx context.Context, budget time.Duration) error {
	return sweep.New(sweep.Config{
		Region: region, Table: mem.NewClaimsTable(w.claims, w.episodes, region).WithLimits(w.limits), Docs: w.docs, Recorder: w,
		Now: func() time.Time { return w.now },
		Wait: func(ctx context.Context, d time.Duration) error {
			w.now, w.waited = w.now.Add(d), w.waited+d
			if w.onWait != nil {
				w.onWait()
			}
			return ctx.Err()
		},
		Rate: 50, Budget: budget, Every: 24 * time.Hour,
	}).Run(ctx)
}

func (w *world) put(id string, status loop.Status, ago time.Duration) {
	w.t.Helper()
	at := start.Add(-ago)
	c := loop.Claim{EffectID: id, Status: loop.StatusClaimed, Owner: "o", Token: 1, Deadline: at, AcceptedAt: at, UpdatedAt: at, Effect: loop.Effect{ID: id, RuleID: "r"}}
	view := w.claims.In(region)
	if _, _, err := view.Open(w.t.Context(), c); err != nil {
		w.t.Fatal(err)
	}
	if c.Status = status; status.Terminal() {
		if err := view.Swap(w.t.Context(), c, 1); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) left() int {
	all, err := w.claims.All()
	if err != nil {
		w.t.Fatal(err)
	}
	return len(all)
}

func (w *world) report() (p sweep.Pass, ok bool) {
	w.t.Helper()
	notes, err := w.docs.Query(w.t.Context(), region, sweep.Name(region))
	if err != nil {
		w.t.Fatal(err)
	}
	if raw, there := notes[sweep.Report]; there {
		if err := json.Unmarshal(raw, &p); err != nil {
			w.t.Fatal(err)
		}
		ok = true
	}
	return p, ok
}

const long = loop.ClaimKeep + time.Hour

func TestOnePassDeletesWhatIsDoneWithAndReportsWhatIsLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.put("old", loop.StatusDone, long)
	w.put("new", loop.StatusDone, time.Hour)
	w.put("parked", loop.StatusParked, 2*long)
	w.put("late", loop.StatusClaimed, time.Hour)
	closed := decide.Episode{Ref: decide.Ref{RuleID: "r", Key: "k"}, N: 1, UpdatedAt: start.Add(-long)}
	if err := w.episodes.In(region).Put(t.Context(), closed); err != nil {
		t.Fatal(err)
	}
	if err := w.run(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	p, ok := w.report()
	if !ok || p.Deleted != 2 || p.Scanned != 5 || p.Parked != 1 || p.OverdueCount != 1 || p.Overdue[0].ID != "late" || p.Ended.IsZero() {
		t.Errorf("reported %+v", p)
	}
	if !p.OldestParked.Equal(start.Add(-2 * long)) {
		t.Errorf("oldest parked %s", p.OldestParked)
	}
	if w.left() != 3 || len(w.overdue) != 1 || len(w.swept) != 1 || w.swept[0] != (sweep.Found{Scanned: 5, Deleted: 2, Overdue: 1}) {
		t.Errorf("%d left, overdue %v, swept %v", w.left(), w.overdue, w.swept)
	}
}

// A table larger than one run's budget is passed over all the same, and each record is counted once.
func TestAPassGoesOnWhereTheLastRunStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const n = 600
	for i := range n {
		w.put(fmt.Sprintf("e%04d", i), loop.StatusDone, long)
		if i%10 == 0 {
			w.put(fmt.Sprintf("late%04d", i), loop.StatusClaimed, time.Hour)
		}
	}
	runs := 0
	for {
		if err := w.run(t.Context(), 5*time.Second); err != nil {
			t.Fatal(err)
		}
		if runs++; runs > 100 {
			t.Fatal("never ends")
		}
		if _, ok := w.report(); ok {
			break
		}
	}
	p, _ := w.report()
	if runs < 3 || p.Scanned != n+n/10 || p.Deleted != n || p.OverdueCount != n/10 || len(p.Overdue) != n/10 || w.left() != n/10 {
		t.Errorf("%d runs, %d left: scanned %d, deleted %d, overdue %d, listed %d", runs, w.left(), p.Scanned, p.Deleted, p.OverdueCount, len(p.Overdue))
	}
	// Half a unit for each record looked at and two for each deletion, at 50 a second.
	if want := time.Duration((float64(n+n/10)/2 + 2*n) / 50 * float64(time.Second)); (w.waited - want).Abs() > time.Millisecond {
		t.Errorf("took %s, want %s for its rate", w.waited, want)
	}

	// Nothing more to do until a day has passed since it started.
	before := len(w.swept)
	if err := w.run(t.Context(), time.Minute); err != nil || len(w.swept) != before {
		t.Errorf("it swept again at once: %v", err)
	}
	w.now = start.Add(24 * time.Hour)
	if err := w.run(t.Context(), time.Minute); err != nil || len(w.swept) != before+1 {
		t.Errorf("it did not sweep the next day: %v", err)
	}
}

func TestAFailedRunKeepsItsPlace(t *testing.T) {
	t.Parallel()
	errDown := errors.New("down")
	calls := 0
	w := newWorld(t, func(op mem.Op) error {
		if op.Name == "Scan" && op.When == mem.Before {
			if calls++; calls == 4 {
				return errDown
			}
		}
		return nil
	})
	for i := range 500 {
		w.put(fmt.Sprintf("e%04d", i), loop.StatusDone, long)
	}
	if err := w.run(t.Context(), time.Hour); !errors.Is(err, errDown) {
		t.Fatalf("got %v", err)
	}
	if err := w.run(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if p, ok := w.report(); !ok || p.Scanned != 500 || p.Deleted != 500 {
		t.Errorf("reported %+v", p)
	}
}

// Two regions sweep at the same time: each record is deleted once, and none of the losers is an error.
func TestARecordThatChangedIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(op mem.Op) error {
		if op.Name == "Delete" && op.When == mem.Before {
			return loop.ErrFenced
		}
		return nil
	})
	w.put("old", loop.StatusDone, long)
	if err := w.run(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if p, ok := w.report(); !ok || p.Deleted != 0 {
		t.Errorf("reported %+v", p)
	}
}

func TestACancelledRunKeepsItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for i := range 500 {
		w.put(fmt.Sprintf("e%04d", i), loop.StatusDone, time.Hour)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.onWait = cancel
	if err := w.run(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if err := w.run(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if p, ok := w.report(); !ok || p.Scanned != 500 || w.swept[0].Scanned == 0 || w.swept[1].Scanned == 500 {
		t.Errorf("reported %+v in runs of %v", p, w.swept)
	}
}

// A budget an hour and rule would add up for ever.
func TestSpentBudgetsAndQuietThrottlesAreDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	budgets, throttles := w.limits.Budgets(region), w.limits.Throttles(region)
	for _, at := range []time.Time{start, start.Add(-long - time.Hour)} {
		if _, err := budgets.Spend(t.Context(), loop.BudgetKey("r", at), "e", 1); err != nil {
			t.Fatal(err)
		}
		if err := throttles.Put(t.Context(), loop.Throttle{RuleID: "r", Key: at.String()}.With(loop.Passed{DecisionID: "d", AcceptedAt: at}, time.Time{})); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.run(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if p, ok := w.report(); !ok || p.Deleted != 2 || p.Scanned != 4 {
		t.Errorf("report %+v", p)
	}
	if within, err := budgets.Spend(t.Context(), loop.BudgetKey("r", start), "other", 1); err != nil || within {
		t.Error("the present hour's budget was deleted")
	}
}

// A table full of what is overdue must not make a document that no item holds.
func TestAReportListsSomeAndCountsAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for i := range 150 {
		w.put(fmt.Sprintf("late%04d", i), loop.StatusClaimed, time.Hour)
	}
	if err := w.run(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if p, ok := w.report(); !ok || p.OverdueCount != 150 || len(p.Overdue) != 100 || len(w.overdue) != 100 {
		t.Errorf("counted %d, listed %d", p.OverdueCount, len(p.Overdue))
	}
}
