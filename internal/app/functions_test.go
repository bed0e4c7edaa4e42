package app

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"example.com/unbroken/internal/dynamo"
)

// asked notes how it is read.
type asked struct {
	dynamo.API
	mu            sync.Mutex
	strong, cheap int
}

func (a *asked) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if *in.ConsistentRead {
		a.strong++
	} else {
		a.cheap++
	}
	return &dynamodb.QueryOutput{}, nil
}

func TestOnlyTheLoopsObserversCount(t *testing.T) {
	t.Parallel()
	b := started(t, "us-east-2")
	if got, want := b.states().Observers, b.Config.Regions.All(); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("verdicts of %v count, want %v", got, want)
	}
}

// Health checks are most of all reads of an idle deployment, and pay half for each; who judges regions once a minute reads
// what was written before.
func TestOnlyHealthReadsEventually(t *testing.T) {
	t.Parallel()
	b, api := started(t, "us-east-2"), &asked{}
	b.tables = func(string) dynamo.API { return api }
	b.health().Fit(t.Context())
	if api.cheap != 3 || api.strong > 0 {
		t.Errorf("a health check made %d reads, and %d that cost twice as much", api.cheap, api.strong)
	}
	api.cheap = 0
	if _, err := b.states().Views(t.Context(), "us-east-2"); err != nil || api.cheap > 0 || api.strong == 0 {
		t.Errorf("states: %d strong reads, %d eventual ones, %v", api.strong, api.cheap, err)
	}
}
