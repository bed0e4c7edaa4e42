package app

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

type taking struct{}

func (taking) Send(_ context.Context, _, _ string, msgs []loop.Outgoing) []error {
	return make([]error, len(msgs))
}

// Whom the API found to have signed a request is known to the input, and nothing that the request itself says of it.
func TestTheCallerIsWhomTheAPIFound(t *testing.T) {
	t.Parallel()
	h := ingest.NewHTTP(ingest.New(ingest.Config{
		Region: "us-east-2", Queue: taking{}, Now: time.Now,
		Inputs: map[string]loop.Input{"team": {Kind: loop.KindHTTP, Durability: loop.Regional, Auth: loop.AuthIAM, Credentials: []loop.Credential{
			{Principal: "arn:aws:iam::123456789012:role/shop", Sources: []string{"shop/"}},
		}}},
	}))
	for arn, status := range map[string]int{
		"arn:aws:sts::123456789012:assumed-role/shop/i-1":  http.StatusAccepted,
		"arn:aws:sts::123456789012:assumed-role/other/i-1": http.StatusForbidden,
		"": http.StatusUnauthorized,
	} {
		ev := event(http.MethodPost, "/v1/signals/team")
		ev.Headers = map[string]string{"content-type": ingest.MediaEvent, "userarn": "arn:aws:iam::123456789012:role/shop"}
		ev.Body = `{"specversion":"1.0","id":"1","source":"shop/x","type":"t"}`
		if arn != "" {
			ev.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
				IAM: &events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{UserARN: arn},
			}
		}
		resp, err := testBase().overHTTP(h)(t.Context(), ev)
		if err != nil || resp.StatusCode != status {
			t.Errorf("%q: %d %s", arn, resp.StatusCode, resp.Body)
		}
	}
}
