package decide

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
)

// What wants to join while a group is being written is written together, and nothing is left out.
func TestOpeningsJoinTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all, ref := newJoins(), groupRef("r", "g")
		var writes []int
		var keys []string
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				err := all.join(t.Context(), ref, joining{member: loop.Member{Key: fmt.Sprint(i)}}, i > 0, func(list []joining, standby bool) error {
					time.Sleep(time.Second)
					writes = append(writes, len(list))
					for _, j := range list {
						keys = append(keys, j.member.Key)
						if j.member.Key == "0" && standby {
							t.Error("a round with a firing of our own is taken for standby")
						}
					}
					return fmt.Errorf("write %d", len(writes))
				})
				if err == nil {
					t.Error("an error was not told")
				}
			})
		}
		wg.Wait()
		if len(writes) > 2 || len(keys) != 20 {
			t.Errorf("%d firings in writes of %v", len(keys), writes)
		}
	})
}

// Groups do not wait for each other.
func TestGroupsAreWrittenAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all, began := newJoins(), time.Now()
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				_ = all.join(t.Context(), groupRef("r", fmt.Sprint(i)), joining{}, false, func([]joining, bool) error {
					time.Sleep(time.Second)
					return nil
				})
			})
		}
		if wg.Wait(); time.Since(began) > time.Second {
			t.Errorf("ten groups took %s", time.Since(began))
		}
	})
}
