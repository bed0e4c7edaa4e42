// Package targets wires what act delivers to. It stands apart from package app, so that the other functions do not
// carry, and at every start initialize, the clients of a dozen services that they never call.
package targets

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/breaker"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/output"
	"example.com/unbroken/internal/secret"
	"example.com/unbroken/internal/target"
	"example.com/unbroken/internal/webhook"
)

// All are the targets by the names that actions give them, each behind its circuits. runtimeAPI is the address of
// Lambda's own API, which no webhook may reach. It implements app.Targets.
func All(cfg aws.Config, c *loop.Config, runtimeAPI string) (map[string]act.Target, error) {
	dialer, err := webhook.NewDialer(c.EgressAllow, runtimeAPI)
	if err != nil {
		return nil, fmt.Errorf("egress_allow: %w", err)
	}
	all := target.All(cfg)
	all[loop.TargetWebhook] = webhook.New(webhook.Config{
		Dialer: dialer, Now: time.Now, Secrets: secret.New(ssm.NewFromConfig(cfg), time.Now),
	})
	for name, t := range all {
		all[name] = breaker.New(t)
	}
	all[loop.TargetOutput] = output.Target{} // nothing is sent: no circuit
	return all, nil
}
