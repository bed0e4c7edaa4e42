package target

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// EventBridgeAPI is the part of EventBridge that is used here; *eventbridge.Client implements it.
type EventBridgeAPI interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// EventBridge puts one event on a bus. There is no idempotency key: the effect's id stands among the event's
// resources, by which a consumer can tell a repetition. The event has no time of ours: EventBridge stamps it.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
func EventBridge(clients Clients[EventBridgeAPI]) act.Target {
	return deliver(func(ctx context.Context, e loop.Effect, r loop.Request) act.Answer {
		bus, err := resource(r)
		if err != nil {
			return refused("bus: " + err.Error())
		}
		ctx, call := watch(ctx)
		out, err := clients(bus.Region).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
			EventBusName: &r.URL, Detail: &r.Body, Resources: []string{"unbroken:effect/" + e.ID},
			Source: aws.String(r.Headers["source"]), DetailType: aws.String(r.Headers["detail_type"]),
		}}})
		switch {
		case err != nil:
			return call.answer(err)
		case len(out.Entries) != 1:
			return act.Answer{Verdict: act.Retry, Evidence: "the answer does not name the event"}
		case out.Entries[0].ErrorCode != nil:
			// The call succeeds where its only entry fails: the entry's code is what counts.
			return call.answer(entryError(*out.Entries[0].ErrorCode))
		}
		return delivered("event %s", aws.ToString(out.Entries[0].EventId))
	})
}

func entryError(code string) error {
	fault := smithy.FaultClient
	switch code {
	case "InternalFailure", "InternalException", "ServiceUnavailable":
		fault = smithy.FaultServer
	}
	return &smithy.GenericAPIError{Code: code, Fault: fault}
}
