package dynamo

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// fake answers one kind of call by a function; any other call is a failure of the test.
type fake struct {
	API
	put      func(*dynamodb.PutItemInput) error
	update   func(*dynamodb.UpdateItemInput) error
	query    func(*dynamodb.QueryInput) (*dynamodb.QueryOutput, error)
	batch    func(*dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error)
	batchGet func(*dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error)
}

func (f fake) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return &dynamodb.PutItemOutput{}, f.put(in)
}

func (f fake) UpdateItem(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return &dynamodb.UpdateItemOutput{}, f.update(in)
}

func (f fake) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return f.query(in)
}

func (f fake) BatchWriteItem(_ context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	return f.batch(in)
}

func (f fake) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	return f.batchGet(in)
}

var errDown = errors.New("down")

// counted is a wait that takes no time and counts.
func counted() (w wait, n func() int) {
	var mu sync.Mutex
	waits := 0
	return func(ctx context.Context, _ int) error {
			mu.Lock()
			defer mu.Unlock()
			waits++
			return ctx.Err()
		}, func() int {
			mu.Lock()
			defer mu.Unlock()
			return waits
		}
}

func text(t *testing.T, v types.AttributeValue) string {
	t.Helper()
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		t.Fatalf("%T is no string", v)
	}
	return s.Value
}
