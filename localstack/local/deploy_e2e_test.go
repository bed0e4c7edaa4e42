//go:build e2e

package local_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"example.com/unbroken/localstack/local"
)

const (
	east, west, witness = "us-east-2", "us-west-2", "us-east-1"
)

// The whole life of a local world, in the order in which `make run` and a chaos test go.
func TestDeployCutAndHeal(t *testing.T) {
	t.Parallel()
	w := start(t)
	api := deploy(t, w)

	t.Run("replicas", func(t *testing.T) { replicas(t, w) })
	if status := health(t, api[west]); status != http.StatusOK {
		t.Fatalf("before the cut: %d", status)
	}
	send(t, w, west, "before")
	received(t, w, west, "before")

	for range 2 { // cutting twice is cutting once
		if err := w.Cut(t.Context(), west); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("dead", func(t *testing.T) { dead(t, w, api) })

	// While it is dead a message waits in its queue: nothing takes it.
	around := sqs.NewFromConfig(direct(w, west))
	if _, err := around.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue(west, "test-in"), MessageBody: aws.String("waiting")}); err != nil {
		t.Fatal(err)
	}
	if on := switchedOn(t, w, west); len(on) != 0 {
		t.Errorf("still on in the dead region: %v", on)
	}

	for range 2 { // and so is healing
		if err := w.Heal(t.Context(), west); err != nil {
			t.Fatal(err)
		}
	}
	received(t, w, west, "waiting")
	if status := health(t, api[west]); status != http.StatusOK {
		t.Errorf("after healing: %d", status)
	}
	// Exactly what was on is on: the mapping, the schedule and one of the two rules.
	if on := strings.Join(switchedOn(t, w, west), " "); on != "mapping test-schedule test-rule" {
		t.Errorf("on after healing: %s", on)
	}
	if left, _ := filepath.Glob(filepath.Join(w.Dir, ".local", "cut-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func deploy(t *testing.T, w *local.World) (api map[string]string) {
	t.Helper()
	regions := []string{east, west, witness}
	d := local.Deployment{Regions: regions, App: assembly(t, bootstrap(t), regions...), CDK: cdk(t)}
	for _, what := range []string{"bootstrapped and deployed", "deployed again"} {
		began := time.Now()
		if err := w.Deploy(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s in %s", what, time.Since(began).Round(10*time.Millisecond))
	}
	text, err := os.ReadFile(filepath.Join(w.Dir, ".local", "outputs.json"))
	if err != nil {
		t.Fatal(err)
	}
	var outputs map[string]struct{ ApiId string }
	if err := json.Unmarshal(text, &outputs); err != nil {
		t.Fatal(err)
	}
	api = map[string]string{}
	for _, region := range regions {
		api[region] = w.APIURL(outputs["test-"+region].ApiId)
	}
	return api
}

func replicas(t *testing.T, w *local.World) {
	for range 2 {
		if err := w.Replicate(t.Context(), "test", []string{east, west}, witness); err != nil {
			t.Fatal(err)
		}
	}
	key := map[string]ddb.AttributeValue{"pk": &ddb.AttributeValueMemberS{Value: "k"}}
	for table, regions := range map[string][]string{"test-claims": {east, west, witness}, "test-outputs": {east, west}} {
		_, err := dynamodb.NewFromConfig(w.AWS(west)).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: key})
		if err != nil {
			t.Fatal(err)
		}
		for _, region := range regions {
			got, err := dynamodb.NewFromConfig(w.AWS(region)).GetItem(t.Context(),
				&dynamodb.GetItemInput{TableName: aws.String(table), Key: key, ConsistentRead: aws.Bool(true)})
			if err != nil || len(got.Item) == 0 {
				t.Errorf("%s in %s: %v %v", table, region, got, err)
			}
		}
	}
	_, err := dynamodb.NewFromConfig(w.AWS(witness)).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("test-outputs")})
	if err == nil {
		t.Error("outputs has a replica in the witness region")
	}
}

func dead(t *testing.T, w *local.World, api map[string]string) {
	if status := health(t, api[west]); status != 0 {
		t.Errorf("its API answers %d", status)
	}
	if status := health(t, api[east]); status != http.StatusOK {
		t.Errorf("the peer's API answers %d", status)
	}
	_, err := sqs.NewFromConfig(w.AWS(west)).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue(west, "test-in"), MessageBody: aws.String("x")})
	if err == nil {
		t.Error("a client reaches its queue")
	}
	for name, tc := range map[string]struct {
		from, to string
		arrives  bool
	}{
		"a peer's function reaches it":           {east, west, false},
		"its function reaches a peer":            {west, east, false},
		"a peer's function reaches its own side": {east, east, true},
	} {
		// Straight at the emulator: the edge would refuse to start a function of a dead region.
		out, err := lambda.NewFromConfig(direct(w, tc.from)).Invoke(t.Context(), &lambda.InvokeInput{
			FunctionName: aws.String("test-f"), Payload: []byte(`{"to":"` + tc.to + `","queue":"test-report"}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		if arrives := strings.Contains(string(out.Payload), `"sent"`); arrives != tc.arrives {
			t.Errorf("%s: %t (%s)", name, arrives, out.Payload)
		}
	}
	// Replication is inside the emulator: what a peer writes meanwhile is there at once.
	key := map[string]ddb.AttributeValue{"pk": &ddb.AttributeValueMemberS{Value: "written while it was dead"}}
	if _, err := dynamodb.NewFromConfig(w.AWS(east)).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("test-claims"), Item: key}); err != nil {
		t.Fatal(err)
	}
	got, err := dynamodb.NewFromConfig(direct(w, west)).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("test-claims"), Key: key})
	if err != nil || len(got.Item) == 0 {
		t.Errorf("its replica: %v %v", got, err)
	}
}
