// Package layers asserts over the whole dependency graph that data runs one way through the folders. The linter
// points at a forbidden import; this test also finds one that comes in through a third package.
package layers

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "example.com/unbroken/"

// deps lists every package that pkg is built from.
func deps(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "lambda.norpc", pkg).Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", pkg, err)
	}
	return strings.Fields(string(out))
}

func refuse(t *testing.T, pkg string, forbidden ...string) {
	t.Helper()
	for _, d := range deps(t, pkg) {
		if slices.ContainsFunc(forbidden, func(f string) bool { return d == f || strings.HasPrefix(d, f+"/") }) {
			t.Errorf("%s depends on %s", pkg, d)
		}
	}
}

func TestTheDomainKnowsTheStandardLibraryOnly(t *testing.T) {
	t.Parallel()
	for _, d := range deps(t, module+"internal/loop") {
		if first, _, _ := strings.Cut(d, "/"); strings.Contains(first, ".") && d != module+"internal/loop" {
			t.Errorf("internal/loop depends on %s", d)
		}
	}
}

func TestStagesKnowNoAWS(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"ingest", "decide", "act", "observe", "outputs", "region", "rule", "sweep", "ledger", "archive", "backtest", "canary", "salvage", "receipt", "ruletest", "explain"} {
		refuse(t, module+"internal/"+p, "github.com/aws", module+"internal/app", module+"internal/telemetry")
	}
}

func TestFunctionsHoldNoTestServicesAndNoCDK(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"ingest/http", "ingest/queue", "ingest/alarm", "ingest/poll", "ingest/archive", "decide", "act/deliver", "act/outputs", "act/sweeper", "health/observer", "health/canary", "health/salvage"} {
		refuse(t, module+"functions/"+p,
			module+"internal/mem", module+"internal/looptest", module+"internal/sim", module+"internal/dev", module+"localstack", module+"infra", module+"cmd",
			"github.com/aws/aws-cdk-go", "testing", "net/http/httptest")
	}
}

// A client in a binary is paid for at every cold start. Only who speaks to a service carries its client.
func TestOnlyTheArchiveAndActCarryS3(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"ingest/http", "ingest/queue", "ingest/alarm", "ingest/poll", "decide", "act/outputs", "act/sweeper", "health/observer"} {
		refuse(t, module+"functions/"+p, "github.com/aws/aws-sdk-go-v2/service/s3")
	}
}

// What flips by itself flips by data planes: a function that carried Route 53's client could call its control plane.
func TestNoFunctionCanAskRoute53(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"ingest/http", "ingest/queue", "ingest/alarm", "ingest/poll", "ingest/archive", "decide", "act/deliver", "act/outputs", "act/sweeper", "health/observer", "health/canary", "health/salvage"} {
		refuse(t, module+"functions/"+p, "github.com/aws/aws-sdk-go-v2/service/route53", module+"internal/route53")
	}
}

func TestOnlyWhoTakesSignalsCarriesSchemas(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"ingest/alarm", "ingest/archive", "decide", "act/deliver", "act/outputs", "act/sweeper", "health/observer"} {
		refuse(t, module+"functions/"+p, "github.com/santhosh-tekuri/jsonschema")
	}
}
