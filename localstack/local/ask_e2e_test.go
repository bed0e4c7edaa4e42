//go:build e2e

package local_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"example.com/unbroken/localstack/edge"
	"example.com/unbroken/localstack/local"
)

// switchedOn lists what would start a function in a region.
func switchedOn(t *testing.T, w *local.World, region string) (on []string) {
	t.Helper()
	mappings, err := lambda.NewFromConfig(direct(w, region)).ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mappings.EventSourceMappings {
		if aws.ToString(m.State) == "Enabled" {
			on = append(on, "mapping")
		}
	}
	for _, list := range []struct{ service, method, path, target string }{
		{"scheduler", http.MethodGet, "/schedules", ""},
		{"events", http.MethodPost, "/", "AWSEvents.ListRules"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), list.method, w.EmulatorURL+list.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		edge.Scope(req.Header, region, list.service)
		req.Header.Set("X-Amz-Target", list.target)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var found struct {
			Schedules, Rules []struct{ Name, State string }
		}
		if err := json.NewDecoder(res.Body).Decode(&found); err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		for _, one := range append(found.Schedules, found.Rules...) {
			if one.State == "ENABLED" {
				on = append(on, one.Name)
			}
		}
	}
	return on
}

func send(t *testing.T, w *local.World, region, body string) {
	t.Helper()
	_, err := sqs.NewFromConfig(w.AWS(region)).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue(region, "test-in"), MessageBody: aws.String(body)})
	if err != nil {
		t.Fatal(err)
	}
}

// received waits until the region's function has reported a body that came in by its queue.
func received(t *testing.T, w *local.World, region, body string) {
	t.Helper()
	client := sqs.NewFromConfig(w.AWS(region))
	eventually(t, time.Minute, "the function reports "+body, func(ctx context.Context) bool {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue(region, "test-report"), MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			t.Error(err)
			return false
		}
		for _, m := range out.Messages {
			if strings.Contains(aws.ToString(m.Body), body) {
				return true
			}
		}
		return false
	})
}

// health returns the status of an API's health, 0 if it does not answer.
func health(t *testing.T, api string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api+"/v1/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}

// queue computes a URL as the loop does: no region is asked for it.
func queue(region, name string) *string {
	return aws.String("https://sqs." + region + ".amazonaws.com/" + local.Account + "/" + name)
}

// direct goes around the edge.
func direct(w *local.World, region string) aws.Config {
	around := local.Site{EdgeURL: w.EmulatorURL}
	return around.AWS(region)
}

func cdk(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("CDK_BIN"); path != "" {
		return path
	}
	path, err := filepath.Abs("../node_modules/.bin/cdk")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
