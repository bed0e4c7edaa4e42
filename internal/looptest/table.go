package looptest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/sweep"
)

// Table is `claims` from its three sides: as act and decide use it, and as the sweeper does.
type Table struct {
	sweep.Table
	Claims   act.Claims
	Episodes decide.Episodes

	Budgets   act.Budgets
	Throttles act.Throttles
}

// ClaimsTable is the suite for sweep.Table.
func ClaimsTable(t *testing.T, open func(t *testing.T) Bench[Table]) {
	t.Helper()
	run(t, open, []hazard[Table]{
		{"ScanMissesARecordOrShowsItTwice", scanSeesAll},
		{"ScanOfParkedShowsOthers", scanFilters},
		{"ScanHidesPendingEffects", scanSeesPending},
		{"LiveClaimIsDeleted", onlyTheJudgedClaimIsDeleted},
		{"ChangedEpisodeIsDeleted", onlyTheJudgedEpisodeIsDeleted},
		{"UnknownEpisodeIsAnError", unknownEpisode},
		{"LimitThatIsInUseIsDeleted", onlyTheJudgedLimitIsDeleted},
	})
}

// scanAll reads the whole table in small pages.
func scanAll(t *testing.T, b Table, segments int, status loop.Status) (all []sweep.Page) {
	t.Helper()
	for s := range segments {
		for q := (sweep.Query{Segment: s, Segments: segments, Limit: 3, Status: status}); ; {
			page, err := b.Scan(deadline(t), q)
			must(t, err)
			if page.Scanned > q.Limit {
				t.Fatalf("a page of %d records, asked for %d", page.Scanned, q.Limit)
			}
			all = append(all, page)
			if q.After = page.Next; q.After == "" {
				break
			}
		}
	}
	return all
}

func scanSeesAll(t *testing.T, b Bench[Table]) {
	want := map[string]int{}
	for i := range 20 {
		c := claim(fmt.Sprintf("e%d", i), "o", 1)
		mustOpen(t, b.Here.Claims, c)
		want[c.EffectID]++
	}
	for i := range 10 {
		e := episode("r", fmt.Sprintf("k%d", i), 0, 1)
		must(t, b.There.Episodes.Put(deadline(t), e))
		want[e.Key]++
	}
	for _, segments := range []int{1, 4} {
		got := map[string]int{}
		for _, p := range scanAll(t, b.Here, segments, "") {
			for _, c := range p.Claims {
				same(t, c, claim(c.EffectID, "o", 1))
				got[c.EffectID]++
			}
			for _, e := range p.Episodes {
				got[e.Key]++
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("in %d segments: %v", segments, got)
		}
	}
}

func scanFilters(t *testing.T, b Bench[Table]) {
	for i, s := range []loop.Status{loop.StatusClaimed, loop.StatusDone, loop.StatusParked, loop.StatusParked} {
		c := claim(fmt.Sprint("e", i), "o", 1)
		mustOpen(t, b.Here.Claims, c)
		if c.Status = s; s.Terminal() {
			must(t, b.Here.Claims.Swap(deadline(t), c, 1))
		}
	}
	must(t, b.Here.Episodes.Put(deadline(t), episode("r", "k", 0, 1)))
	var ids []string
	for _, p := range scanAll(t, b.There, 2, loop.StatusParked) {
		for _, c := range p.Claims {
			ids = append(ids, c.EffectID)
		}
		if len(p.Episodes) > 0 {
			t.Error("an episode among the parked")
		}
	}
	if slices.Sort(ids); strings.Join(ids, " ") != "e2 e3" {
		t.Errorf("parked: %q", ids)
	}
}

func scanSeesPending(t *testing.T, b Bench[Table]) {
	e := episode("r", "k", 0, 7)
	sent, older := e.Transitions[0], e.Transitions[0]
	e.Transitions[0].SentBy, older.SentBy = nil, nil
	older.AcceptedAt = at(-5)
	e.Transitions = append(e.Transitions, sent, older)
	must(t, b.Here.Episodes.Put(deadline(t), e))
	want := sweep.Episode{RuleID: "r", Key: "k", N: 7, Rev: 1, Open: true, UpdatedAt: at(3), Pending: 3, Oldest: at(-5)} // two, and the group that is gathering
	same(t, scanAll(t, b.There, 1, "")[0].Episodes, []sweep.Episode{want})
	got, err := b.There.Episode(deadline(t), "r", "k")
	must(t, err)
	same(t, got, want)
}

func onlyTheJudgedClaimIsDeleted(t *testing.T, b Bench[Table]) {
	c := claim("e", "o", 1)
	mustOpen(t, b.Here.Claims, c)
	done := c
	done.Status = loop.StatusDone
	want(t, b.Here.DeleteClaim(deadline(t), done), loop.ErrFenced) // judged by a stale read
	done.Token = 2
	must(t, b.There.Claims.Swap(deadline(t), done, 1))
	old := done
	old.Token = 1
	want(t, b.Here.DeleteClaim(deadline(t), old), loop.ErrFenced)
	same(t, mustGet(t, b.Here.Claims, "e"), done)
	must(t, b.Here.DeleteClaim(deadline(t), done))
	_, err := b.There.Claims.Get(deadline(t), "e")
	want(t, err, loop.ErrNotFound)
	want(t, b.There.DeleteClaim(deadline(t), done), loop.ErrFenced) // a peer was faster
}

func onlyTheJudgedEpisodeIsDeleted(t *testing.T, b Bench[Table]) {
	e := episode("r", "k", 0, 1)
	must(t, b.Here.Episodes.Put(deadline(t), e))
	judged, err := b.Here.Episode(deadline(t), "r", "k")
	must(t, err)
	e.Rev = 1
	must(t, b.There.Episodes.Put(deadline(t), e))
	want(t, b.Here.DeleteEpisode(deadline(t), judged), loop.ErrFenced)
	judged.Rev = 2
	must(t, b.Here.DeleteEpisode(deadline(t), judged))
	if got := readEpisode(t, b.There.Episodes, e.Ref); got.Rev != 0 {
		t.Fatal("still there")
	}
	want(t, b.There.DeleteEpisode(deadline(t), judged), loop.ErrFenced)
}

func unknownEpisode(t *testing.T, b Bench[Table]) {
	e, err := b.Here.Episode(deadline(t), "r", "k")
	must(t, err)
	if e.Rev != 0 || e.Open {
		t.Fatalf("%+v", e)
	}
}

func onlyTheJudgedLimitIsDeleted(t *testing.T, b Bench[Table]) {
	spend(t, b.Here.Budgets, "r", at(0), "e", 1, true)
	first := getThrottle(t, b.Here.Throttles, "k")
	must(t, b.There.Throttles.Put(deadline(t), first.With(loop.Passed{DecisionID: "d1", AcceptedAt: at(1)}, at(0))))
	limits := map[string]sweep.Limit{}
	for _, p := range scanAll(t, b.Here, 2, "") {
		for _, l := range p.Limits {
			limits[l.Key] = l
		}
	}
	budget, throttle := limits[loop.BudgetKey("r", at(0))], limits[loop.ThrottleKey("r", "k")]
	if len(limits) != 2 || !budget.Last.Equal(at(0).Truncate(time.Hour)) || !throttle.Last.Equal(at(1)) {
		t.Fatalf("found %v", limits)
	}
	must(t, b.Here.Throttles.Put(deadline(t), getThrottle(t, b.Here.Throttles, "k").With(loop.Passed{DecisionID: "d2", AcceptedAt: at(99)}, at(0))))
	want(t, b.There.DeleteLimit(deadline(t), throttle), loop.ErrFenced)
	throttle.Last = at(99)
	for _, l := range []sweep.Limit{budget, throttle} {
		must(t, b.There.DeleteLimit(deadline(t), l))
		want(t, b.Here.DeleteLimit(deadline(t), l), loop.ErrFenced) // a peer was faster
	}
	if len(getThrottle(t, b.Here.Throttles, "k").Passed) != 0 {
		t.Fatal("still there")
	}
}
