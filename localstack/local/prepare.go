package local

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// PutSecret stores a SecureString parameter in a region, as an operator does before a deployment.
func (s *Site) PutSecret(ctx context.Context, region, name, value string) error {
	_, err := ssm.NewFromConfig(s.AWS(region)).PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(value), Type: types.ParameterTypeSecureString, Overwrite: aws.Bool(true),
	})
	if err != nil {
		return fmt.Errorf("store parameter %s in %s: %w", name, region, err)
	}
	return nil
}

// Invoke runs a function once and waits for it; a function that fails is an error.
func (s *Site) Invoke(ctx context.Context, region, function string) error {
	out, err := lambda.NewFromConfig(s.AWS(region)).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(function), Payload: []byte("{}")})
	if err != nil {
		return fmt.Errorf("invoke %s in %s: %w", function, region, err)
	}
	if out.FunctionError != nil {
		return fmt.Errorf("%s in %s failed: %s", function, region, out.Payload)
	}
	return nil
}

// Unschedule switches a schedule off.
func (s *Site) Unschedule(ctx context.Context, region, name string) error {
	return s.turnSchedule(ctx, region, schedule{Group: "default", Name: name}, false)
}
