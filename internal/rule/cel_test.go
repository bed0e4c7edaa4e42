package rule

import (
	"sync"
	"testing"

	"cel.dev/cel-go/cel"
)

// TestChecksTakeTurns attacks a fresh environment from many goroutines: the first error fills a catalog that the
// copies made for macros read. It fails under the race detector.
func TestChecksTakeTurns(t *testing.T) {
	t.Parallel()
	for range 20 {
		env, err := newCELEnv(cel.DynType)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 8 {
			src, wrong := "signal.data.all(a, a > 1)", false
			if i%2 == 0 {
				src, wrong = "nobody.knows(this)", true
			}
			all.Go(func() {
				if _, issues := check(env, src); (issues.Err() != nil) != wrong {
					t.Errorf("%s: %v", src, issues.Err())
				}
			})
		}
		all.Wait()
	}
}
