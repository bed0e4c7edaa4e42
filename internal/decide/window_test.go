package decide

import (
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/unbroken/internal/loop"
)

const testSecond = loop.Duration(time.Second)

func TestForNeedsARunThatNothingInterrupts(t *testing.T) {
	t.Parallel()
	hit := func(second int) Entry { return entryAt(second, false) }
	miss := func(second int) Entry { e := entryAt(second, false); e.Miss = true; return e }
	w := loop.Window{For: 10 * testSecond, Lateness: 20 * testSecond, MaxEntries: 6}
	for _, c := range []struct {
		name    string
		entries []Entry
		want    verdict // on the last entry
		latched verdict // the same with `until`
	}{
		{"one hit", []Entry{hit(0)}, closes, keeps},
		{"just long enough", []Entry{hit(0), hit(10)}, opens, opens},
		{"not quite", []Entry{hit(0), hit(9)}, closes, keeps},
		{"interrupted", []Entry{hit(0), miss(5), hit(10)}, closes, keeps},
		{"cleared in between", []Entry{hit(0), entryAt(5, true), hit(10)}, closes, keeps},
		{"long enough since", []Entry{hit(0), miss(1), hit(2), hit(12)}, opens, opens},
		{"a miss", []Entry{hit(0), hit(10), miss(11)}, closes, keeps},
		{"a clear", []Entry{hit(0), hit(10), entryAt(11, true)}, closes, closes},
		{"silence as long as is remembered", []Entry{hit(0), hit(30)}, opens, opens},
		{"a longer silence", []Entry{hit(0), hit(31)}, closes, keeps},
		{"a run that fills the bound", []Entry{hit(0), hit(1), hit(2), hit(3), hit(4), hit(5), hit(6)}, opens, opens},
		{"one that nearly does", []Entry{hit(0), hit(1), hit(2), hit(3), hit(4), hit(5)}, closes, keeps},
	} {
		for latch, want := range map[bool]verdict{false: c.want, true: c.latched} {
			if got := holdWindow(w, latch).judge(c.entries, 0); got[len(got)-1] != want {
				t.Errorf("%s, until %v: got %d, want %d", c.name, latch, got[len(got)-1], want)
			}
		}
	}
}

// What an entry is judged to be depends on what its look asks for, and on nothing that is older.
func TestALookAsksForAllThatAJudgeNeeds(t *testing.T) {
	t.Parallel()
	five := 5.0
	for name, r := range map[string]loop.Rule{
		"count":  {Window: &loop.Window{Count: 3, Within: 9 * testSecond}},
		"for":    {Window: &loop.Window{For: 9 * testSecond, Lateness: 3 * testSecond}},
		"avg":    {Window: &loop.Window{Of: "avg", Over: 9 * testSecond, Above: &five}},
		"p95":    {Window: &loop.Window{Of: "p95", Over: 9 * testSecond, Below: &five}},
		"rate":   {Window: &loop.Window{Of: "rate", Over: 9 * testSecond, Above: &five}},
		"all":    {Window: &loop.Window{All: make([]loop.Condition, 3), Within: 9 * testSecond}},
		"absent": {Window: &loop.Window{Absent: 9 * testSecond, Lateness: 60 * testSecond}},
		"bound":  {Window: &loop.Window{Of: "sum", Over: 30 * testSecond, Above: &five, MaxEntries: 2}},
	} {
		for _, until := range []string{"", "true"} {
			r.Until = until
			w := windowOf(r)
			rapid.Check(t, func(t *rapid.T) {
				entries := drawEntries(t)
				for i := range entries {
					// Misses take room in what is read and none in the window, so a bound that cuts is about samples only.
					entries[i].Miss = name != "bound" && rapid.IntRange(0, 4).Draw(t, "miss") == 0
					entries[i].Value = float64(rapid.IntRange(0, 9).Draw(t, "value"))
					entries[i].Met = uint64(rapid.IntRange(0, 7).Draw(t, "met"))
					if name == "absent" {
						entries[i] = Entry{Pos: entries[i].Pos, Tick: rapid.Bool().Draw(t, "tick")}
					}
				}
				from := rapid.IntRange(0, len(entries)-1).Draw(t, "from")
				look := w.look(entries[from].Pos)
				look.Limit = max(look.Limit, len(entries)) // the bound cuts what is read, too; here it is about the rest
				if name == "bound" {
					look.Limit = w.bound + len(entries) - from
				}
				reading := look.Read()
				for _, e := range slices.Backward(entries) {
					if !reading.Add(e) {
						break
					}
				}
				seen := look.Merge(reading).Entries
				begin := slices.Index(seen, entries[from])
				part, all := w.judge(seen, begin), w.judge(entries, 0)
				if !slices.Equal(part[begin:], all[from:]) {
					t.Fatalf("%s: of %d of %d entries from %d on: %v, of all: %v", name, len(seen), len(entries), from, part[begin:], all[from:])
				}
			})
		}
	}
}

func TestASumIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1e300, 1e300), 1, 20).Draw(t, "values")
		drop := rapid.IntRange(0, len(values)-1).Draw(t, "drop")
		var sum exactSum
		want := new(big.Rat)
		for i, v := range values {
			sum.add(v)
			if i >= drop {
				want.Add(want, new(big.Rat).SetFloat64(v))
			}
		}
		for _, v := range values[:drop] {
			sum.remove(v)
		}
		n, limit := len(values)-drop, rapid.Float64Range(-1e300, 1e300).Draw(t, "limit")
		times := new(big.Rat).Mul(new(big.Rat).SetInt64(int64(n)), new(big.Rat).SetFloat64(limit))
		if got := sum.compare(n, limit); got != want.Cmp(times) {
			t.Fatalf("%v compares to %d times %v as %d", values[drop:], n, limit, got)
		}
	})
}

func TestASumOfTheSmallestNumbersIsExact(t *testing.T) {
	t.Parallel()
	var sum exactSum
	sum.add(math.SmallestNonzeroFloat64)
	sum.add(1e300)
	sum.remove(1e300)
	if sum.compare(1, 0) != 1 || sum.compare(1, math.SmallestNonzeroFloat64) != 0 {
		t.Error("the smallest number was rounded away")
	}
}
