package target

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// SSMAPI is the part of SSM that is used here; *ssm.Client implements it.
type SSMAPI interface {
	GetParameterHistory(context.Context, *ssm.GetParameterHistoryInput, ...func(*ssm.Options)) (*ssm.GetParameterHistoryOutput, error)
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
}

// SSM puts a parameter. Parameter Store cannot compare and set, so this is class `set`: the fence stands in the
// parameter's description, which is written with the value in one call, and is read before each put. A tag could
// not be written together with a new version. Of what shows the description, GetParameterHistory is what a role
// may be allowed for one parameter.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
func SSM(clients Clients[SSMAPI]) act.Target {
	return deliver(func(ctx context.Context, e loop.Effect, r loop.Request) act.Answer {
		name, ok := strings.CutPrefix(r.URL, "ssm:")
		if !ok {
			return refused("the resource is not of the form ssm:/path")
		}
		api := clients(r.Headers["region"])
		reading, call := watch(ctx)
		last, err := lastVersion(reading, api, name)
		if err != nil {
			return call.before(err)
		}
		in := &ssm.PutParameterInput{
			Name: &name, Value: &r.Body, Overwrite: aws.Bool(true),
			Description: aws.String(describe(e)),
		}
		if last == nil {
			in.Type = types.ParameterTypeString
		} else if a, more := standing(described(aws.ToString(last.Description)), e); !more {
			return a
		}
		ctx, call = watch(ctx)
		out, err := api.PutParameter(ctx, in)
		if err != nil {
			return call.answer(err)
		}
		return delivered("version %d", out.Version)
	})
}

// lastVersion is the newest version of a parameter, nil where there is none. The history holds at most 100.
func lastVersion(ctx context.Context, api SSMAPI, name string) (last *types.ParameterHistory, err error) {
	in := &ssm.GetParameterHistoryInput{Name: &name, WithDecryption: aws.Bool(false)}
	for {
		out, err := api.GetParameterHistory(ctx, in)
		if _, none := errors.AsType[*types.ParameterNotFound](err); none {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range out.Parameters {
			if last == nil || out.Parameters[i].Version > last.Version {
				last = &out.Parameters[i]
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return last, nil
		}
		in.NextToken = out.NextToken
	}
}

// describe writes fence and effect where a resource has room for a text.
func describe(e loop.Effect) string {
	return loop.AttributeFence + "=" + string(e.Fence) + " " + loop.AttributeEffect + "=" + e.ID
}

// described reads the fence that describe wrote, "" where it did not.
func described(text string) string {
	for _, word := range strings.Fields(text) {
		if fence, ok := strings.CutPrefix(word, loop.AttributeFence+"="); ok {
			return fence
		}
	}
	return ""
}
