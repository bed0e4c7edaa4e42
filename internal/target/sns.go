package target

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// SNSAPI is the part of SNS that is used here; *sns.Client implements it.
type SNSAPI interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// SNS publishes to a topic. A FIFO topic drops a second message of the same effect for five minutes; on a standard
// topic the effect's id is an attribute, by which a subscriber can.
// https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
func SNS(clients Clients[SNSAPI]) act.Target {
	return deliver(func(ctx context.Context, e loop.Effect, r loop.Request) act.Answer {
		topic, err := resource(r)
		if err != nil {
			return refused("topic: " + err.Error())
		}
		in := &sns.PublishInput{
			TopicArn: &r.URL, Message: &r.Body, Subject: optional(r.Headers["subject"]),
			MessageAttributes: map[string]types.MessageAttributeValue{},
		}
		for name, value := range messageAttributes(e, r) {
			in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
		}
		if e.Class == loop.ClassKeyed {
			in.MessageDeduplicationId, in.MessageGroupId = &e.ID, aws.String(r.Headers["group"])
		}
		ctx, call := watch(ctx)
		out, err := clients(topic.Region).Publish(ctx, in)
		if err != nil {
			return call.answer(err)
		}
		return delivered("message %s", aws.ToString(out.MessageId))
	})
}

// messageAttributes are those that the action declares, and the effect's id.
func messageAttributes(e loop.Effect, r loop.Request) map[string]string {
	all := prefixed(r.Headers, loop.HeaderAttribute)
	all[loop.AttributeEffect] = e.ID
	return all
}
