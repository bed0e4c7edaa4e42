package dynamo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Some answers of DynamoDB ask for the same request again and the SDK does not retry them: a write that met
// another region's write to the same item, and the part of a batch that was left out.
const (
	maxTries  = 6
	firstWait = 20 * time.Millisecond // doubles: at most 620 ms in all, well within a claim
)

// wait sleeps for a jittered time that grows with the number of tries made, or until ctx ends.
type wait func(ctx context.Context, tries int) error

func jitter(ctx context.Context, tries int) error {
	limit := firstWait << (tries - 1)
	t := time.NewTimer(limit/2 + rand.N(limit/2)) //nolint:gosec // jitter needs no secrecy
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// afterConflict runs a conditional write again while another region is writing the same item. DynamoDB rejects
// such a write as a whole, so running it again is safe; what stands then decides the condition.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html#API_PutItem_Errors
func (w wait) afterConflict(ctx context.Context, write func() error) error {
	for tries := 1; ; tries++ {
		err := write()
		if _, conflict := errors.AsType[*types.ReplicatedWriteConflictException](err); !conflict || tries == maxTries {
			return err
		}
		if werr := w(ctx, tries); werr != nil {
			return errors.Join(err, werr)
		}
	}
}

// untilWhole calls once until it reports nothing left over. DynamoDB leaves out part of a batch when it throttles
// or when the answer would exceed its size.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
func (w wait) untilWhole(ctx context.Context, once func() (left int, err error)) error {
	for tries := 1; ; tries++ {
		left, err := once()
		switch {
		case err != nil:
			return err
		case left == 0:
			return nil
		case tries == maxTries:
			return fmt.Errorf("%d items were left out of the batch %d times", left, tries)
		}
		if err := w(ctx, tries); err != nil {
			return err
		}
	}
}
