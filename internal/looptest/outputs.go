package looptest

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// OutputStore is what act writes to and the outputs function reads from.
type OutputStore interface {
	act.Outputs
	Read(ctx context.Context, key string) (loop.Output, error)
	History(ctx context.Context, key string) ([]loop.Output, error)
	List(ctx context.Context, prefix, after string, limit int) (page []loop.Output, next string, err error)
}

// Outputs is the suite for OutputStore.
func Outputs(t *testing.T, open func(t *testing.T) Bench[OutputStore]) {
	t.Helper()
	run(t, open, []hazard[OutputStore]{
		{"LateEffectOverwritesNewerOutput", olderIsFenced},
		{"RetryIsFencedByItself", repeatedWrite},
		{"TwoStepsOfOneDecisionFightForTheKey", sameFence},
		{"CopiesOfOneVersionShowTwoOrigins", firstWriterEverywhere},
		{"RegionsDisagreeOnTheNewest", greatestFenceEverywhere},
		{"RacingWritersLeaveTheOlder", racingWrites},
		{"OwnWriteIsNotSeen", ownOutput},
		{"UnknownKeyLooksEmpty", noOutput},
		{"KeysShareAnOutput", outputKeysAreApart},
		{"LostAnswerLeavesNothing", lostWrite},
		{"ValueChangesInTheTable", exactOutput},
		{"HistoryForgetsAVersion", history},
		{"HistoryGrowsForEver", boundedHistory},
		{"RetryStandsTwiceInTheHistory", repeatedHistory},
		{"RacingWritersLoseAVersion", racingHistory},
		{"LargeEarlierValuesFillTheItem", largeHistory},
		{"HistoryOfOneRegionOnly", mergedHistory},
		{"UnknownKeyHasAHistory", noHistory},
		{"ListLeavesAKeyOut", listed},
		{"PagesOverlapOrSkip", pagedList},
		{"PagesMissTheOtherRegionsKeys", mergedPages},
		{"ListShowsWhatIsNoOutput", listsOutputsOnly},
	})
}

func output(key string, n int64, origin string) loop.Output {
	return loop.Output{
		Key: key, Value: json.RawMessage(fmt.Sprintf(`{"n":%d,"html":"<&>"}`, n)), Fence: loop.EpisodeFence(n, loop.PhaseDo),
		ContentType: loop.ContentJSON, Origin: origin, EffectID: fmt.Sprintf("effect-%d", n), RuleID: "r", WrittenAt: at(int(n)),
	}
}

func read(t *testing.T, s OutputStore, key string) loop.Output {
	t.Helper()
	o, err := s.Read(deadline(t), key)
	must(t, err)
	return o
}

func olderIsFenced(t *testing.T, b Bench[OutputStore]) {
	must(t, b.Here.Write(deadline(t), output("k", 10, HereRegion)))
	want(t, b.Here.Write(deadline(t), output("k", 9, HereRegion)), loop.ErrFenced)
	same(t, read(t, b.Here, "k"), output("k", 10, HereRegion))
	must(t, b.Here.Write(deadline(t), output("k", 11, HereRegion)))
	same(t, read(t, b.Here, "k"), output("k", 11, HereRegion))
}

// The first write stands with its time: a redelivery must not make an old output look fresh.
func repeatedWrite(t *testing.T, b Bench[OutputStore]) {
	o := output("k", 10, HereRegion)
	must(t, b.Here.Write(deadline(t), o))
	again := o
	again.WrittenAt = at(99)
	must(t, b.Here.Write(deadline(t), again))
	same(t, read(t, b.Here, "k"), o)
}

// Of two steps with one fence the one with the greater effect id stays, in whatever order and region they come.
func sameFence(t *testing.T, b Bench[OutputStore]) {
	one, two := output("k", 10, HereRegion), output("k", 10, HereRegion)
	one.EffectID, two.EffectID = "effect-1", "effect-2"
	must(t, b.Here.Write(deadline(t), two))
	want(t, b.Here.Write(deadline(t), one), loop.ErrFenced)
	must(t, b.There.Write(deadline(t), one))
	must(t, b.There.Write(deadline(t), two))
	b.replicate()
	same(t, read(t, b.Here, "k"), two)
	same(t, read(t, b.There, "k"), two)
}

func firstWriterEverywhere(t *testing.T, b Bench[OutputStore]) {
	first, second := output("k", 10, ThereRegion), output("k", 10, HereRegion)
	second.WrittenAt = at(11)
	must(t, b.Here.Write(deadline(t), second))
	must(t, b.There.Write(deadline(t), first))
	b.replicate()
	same(t, read(t, b.Here, "k"), first)
	same(t, read(t, b.There, "k"), first)
}

func greatestFenceEverywhere(t *testing.T, b Bench[OutputStore]) {
	must(t, b.Here.Write(deadline(t), output("k", 10, HereRegion)))
	b.replicate()
	must(t, b.There.Write(deadline(t), output("k", 9, ThereRegion))) // later, but older
	b.replicate()
	same(t, read(t, b.Here, "k"), output("k", 10, HereRegion))
	same(t, read(t, b.There, "k"), output("k", 10, HereRegion))
	must(t, b.There.Write(deadline(t), output("k", 11, ThereRegion)))
	b.replicate()
	same(t, read(t, b.Here, "k"), output("k", 11, ThereRegion))
	same(t, read(t, b.There, "k"), output("k", 11, ThereRegion))
}

func racingWrites(t *testing.T, b Bench[OutputStore]) {
	const racers = 12
	ctx := deadline(t)
	race(racers, func(i int) {
		view, origin := b.Here, HereRegion
		if i%2 == 0 {
			view, origin = b.There, ThereRegion
		}
		if err := view.Write(ctx, output("k", int64(i+1), origin)); err != nil && !isFenced(err) {
			t.Errorf("write: %v", err)
		}
	})
	b.replicate()
	same(t, read(t, b.Here, "k"), output("k", racers, HereRegion))
	same(t, read(t, b.There, "k"), output("k", racers, HereRegion))
}

func ownOutput(t *testing.T, b Bench[OutputStore]) {
	must(t, b.Here.Write(deadline(t), output("k", 1, HereRegion)))
	same(t, read(t, b.Here, "k"), output("k", 1, HereRegion))
}

func noOutput(t *testing.T, b Bench[OutputStore]) {
	_, err := b.Here.Read(deadline(t), "k")
	want(t, err, loop.ErrNotFound)
}

func outputKeysAreApart(t *testing.T, b Bench[OutputStore]) {
	keys := []string{"a", "a/b", "a#b", HereRegion + "#a", "ü"}
	for i, k := range keys {
		must(t, b.Here.Write(deadline(t), output(k, int64(i+1), HereRegion)))
	}
	for i, k := range keys {
		same(t, read(t, b.Here, k), output(k, int64(i+1), HereRegion))
	}
}

func lostWrite(t *testing.T, b Bench[OutputStore]) {
	o := output("k", 1, HereRegion)
	b.LoseAnswer()
	want(t, b.Here.Write(deadline(t), o), ErrLost)
	same(t, read(t, b.Here, "k"), o)
	must(t, b.Here.Write(deadline(t), o))
}

func exactOutput(t *testing.T, b Bench[OutputStore]) {
	o := output("k", 1, HereRegion)
	o.Value = json.RawMessage(`{"big":9007199254740993,"f":1.50,"s":"<\u0041>☂","n":null}`)
	o.Fence = loop.SignalFence(loop.Position{Time: at(0), SignalKey: "s"})
	o.WrittenAt = at(1).In(time.FixedZone("elsewhere", -3600))
	must(t, b.Here.Write(deadline(t), o))
	o.WrittenAt = o.WrittenAt.UTC()
	if got := read(t, b.Here, "k"); !reflect.DeepEqual(got, o) {
		t.Fatalf("got\n%+v %s\nwant\n%+v %s", got, got.Value, o, o.Value)
	}
}
