package main

import (
	"slices"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func inputs() map[string]loop.Input {
	return map[string]loop.Input{
		"default": {Kind: loop.KindHTTP, Auth: loop.AuthIAM},
		"inbox":   {Kind: loop.KindQueue},
		"am-prod": {Kind: loop.KindHTTP, Auth: loop.AuthBearer, Credentials: []loop.Credential{
			{Secrets: []string{"ssm:/ub/am", "ssm:/aws/reference/secretsmanager/am"}},
		}},
	}
}

// An input that checks its callers itself has a route of its own without IAM; all others go on being signed.
func TestAnInputWithItsOwnCredentialsHasItsOwnRoute(t *testing.T) {
	for stack, tmpl := range made.targets.loopStacks() {
		auth := map[string]any{}
		for _, r := range tmpl.Resources {
			if r.Type == "AWS::ApiGatewayV2::Route" && strings.HasPrefix(text(r.Properties["RouteKey"]), "POST ") {
				auth[text(r.Properties["RouteKey"])] = r.Properties["AuthorizationType"]
			}
		}
		if len(auth) != 2 || auth["POST /v1/signals/{input}"] != "AWS_IAM" || auth["POST /v1/signals/am-prod"] != "NONE" {
			t.Errorf("%s: %v", stack, auth)
		}
	}
}

// ingest-http reads the secrets of its producers and no others; no other way in reads any.
func TestIngestReadsTheSecretsOfItsProducers(t *testing.T) {
	seen := 0
	eachRole(t, made.targets, func(name string, all []statement) {
		for _, s := range all {
			if !slices.Contains(s.actions, "ssm:GetParameter") && !slices.Contains(s.actions, "secretsmanager:GetSecretValue") {
				continue
			}
			for _, arn := range s.resources {
				mine := strings.Contains(arn, "parameter/ub/am") || strings.Contains(arn, "secretsmanager/am") || strings.Contains(arn, ":secret:am-??????")
				if mine != strings.HasPrefix(name, "ub-ingest-http-") {
					t.Errorf("%s reads %s", name, arn)
				}
				if mine {
					seen++
				}
			}
		}
	})
	if seen != 2*3 {
		t.Errorf("%d grants in two regions", seen)
	}
}
