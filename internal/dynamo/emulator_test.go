package dynamo

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/looptest"
	"example.com/unbroken/internal/observe"
)

// The conformance suites run against an emulator of DynamoDB where AWS_ENDPOINT_URL names one. It replicates
// at once, so that lag is covered by package mem only.

// deployment is a fresh pair of tables, replicated to two regions.
type deployment struct {
	prefix      string
	here, there *lossy
	clients     map[string]API
}

var deployments atomic.Int64

func deploy(t *testing.T) deployment {
	t.Helper()
	if os.Getenv("AWS_ENDPOINT_URL") == "" {
		t.Skip("AWS_ENDPOINT_URL is not set: start the emulator and set it to run this against DynamoDB's API")
	}
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(looptest.HereRegion))
	if err != nil {
		t.Fatal(err)
	}
	d := deployment{prefix: fmt.Sprintf("t%d-%d", os.Getpid(), deployments.Add(1)), clients: map[string]API{}}
	client := Clients(cfg)
	d.here, d.there = &lossy{API: client(looptest.HereRegion)}, &lossy{API: client(looptest.ThereRegion)}
	d.clients[looptest.HereRegion], d.clients[looptest.ThereRegion] = d.here, d.there
	admin := dynamodb.NewFromConfig(cfg)
	createTable(t, admin, loop.Name(d.prefix, loop.TableClaims), pk)
	createTable(t, admin, loop.Name(d.prefix, loop.TableOutputs), pk, sk)
	return d
}

func createTable(t *testing.T, admin *dynamodb.Client, name string, keys ...string) {
	t.Helper()
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i, k := range keys {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(k), AttributeType: types.ScalarAttributeTypeS})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: aws.String(k), KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
	}
	if len(keys) > 1 {
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String(loop.IndexHash), AttributeType: types.ScalarAttributeTypeS},
			types.AttributeDefinition{AttributeName: aws.String(loop.IndexRange), AttributeType: types.ScalarAttributeTypeS})
		in.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{{
			IndexName: aws.String(loop.IndexKeys), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String(loop.IndexHash), KeyType: types.KeyTypeHash},
				{AttributeName: aws.String(loop.IndexRange), KeyType: types.KeyTypeRange},
			},
		}}
	}
	if _, err := admin.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, region := range []string{looptest.HereRegion, looptest.ThereRegion} {
			_, err := admin.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &name}, func(o *dynamodb.Options) { o.Region = region })
			if err != nil {
				t.Log(err)
			}
		}
	})
	if err := dynamodb.NewTableExistsWaiter(admin).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	_, err := admin.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: &name, ReplicaUpdates: []types.ReplicationGroupUpdate{
		{Create: &types.CreateReplicationGroupMemberAction{RegionName: aws.String(looptest.ThereRegion)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// lossy loses the answer of one write once it is armed.
type lossy struct {
	API
	armed atomic.Bool
}

func (l *lossy) arm() { l.armed.Store(true) }

func (l *lossy) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	out, err := l.API.PutItem(ctx, in, opts...)
	if l.armed.CompareAndSwap(true, false) {
		return nil, looptest.ErrLost
	}
	return out, err
}

func (l *lossy) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	out, err := l.API.UpdateItem(ctx, in, opts...)
	if l.armed.CompareAndSwap(true, false) {
		return nil, looptest.ErrLost
	}
	return out, err
}

func TestClaims(t *testing.T) {
	t.Parallel()
	looptest.Claims(t, func(t *testing.T) looptest.Bench[act.Claims] {
		d := deploy(t)
		return looptest.Bench[act.Claims]{Here: NewClaims(d.here, d.prefix), There: NewClaims(d.there, d.prefix), LoseAnswer: d.here.arm}
	})
}

func TestParkedClaims(t *testing.T) {
	t.Parallel()
	looptest.Parked(t, func(t *testing.T) looptest.Bench[looptest.ParkedClaims] {
		d := deploy(t)
		return looptest.Bench[looptest.ParkedClaims]{Here: NewClaims(d.here, d.prefix), There: NewClaims(d.there, d.prefix), LoseAnswer: d.here.arm}
	})
}

func TestControls(t *testing.T) {
	t.Parallel()
	looptest.Controls(t, func(t *testing.T) looptest.Bench[looptest.ControlsStore] {
		d := deploy(t)
		return looptest.Bench[looptest.ControlsStore]{Here: NewControls(d.here, d.prefix), There: NewControls(d.there, d.prefix), LoseAnswer: d.here.arm}
	})
}

func TestRecords(t *testing.T) {
	t.Parallel()
	looptest.Records(t, func(t *testing.T) looptest.Bench[observe.Records] {
		d := deploy(t)
		return looptest.Bench[observe.Records]{Here: NewRecords(d.here, d.prefix), There: NewRecords(d.there, d.prefix), LoseAnswer: d.here.arm}
	})
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	looptest.Budgets(t, func(t *testing.T) looptest.Bench[act.Budgets] {
		d := deploy(t)
		return looptest.Bench[act.Budgets]{Here: NewBudgets(d.here, d.prefix), There: NewBudgets(d.there, d.prefix), LoseAnswer: d.here.arm}
	})
}

func TestThrottles(t *testing.T) {
	t.Parallel()
	looptest.Throttles(t, func(t *testing.T) looptest.Bench[act.Throttles] {
		d := deploy(t)
		return looptest.Bench[act.Throttles]{Here: NewThrottles(d.here, d.prefix), There: NewThrottles(d.there, d.prefix), LoseAnswer: d.here.arm}
	})
}

func TestEpisodes(t *testing.T) {
	t.Parallel()
	looptest.Episodes(t, func(t *testing.T) looptest.Bench[decide.Episodes] {
		d := deploy(t)
		return looptest.Bench[decide.Episodes]{Here: NewEpisodes(d.here, d.prefix), There: NewEpisodes(d.there, d.prefix), LoseAnswer: d.here.arm}
	})
}

func TestFirings(t *testing.T) {
	t.Parallel()
	looptest.Firings(t, func(t *testing.T) looptest.Bench[looptest.Fired] {
		d := deploy(t)
		view := func(api API) looptest.Fired {
			return looptest.Fired{Episodes: NewEpisodes(api, d.prefix), Firings: NewFirings(api, d.prefix)}
		}
		return looptest.Bench[looptest.Fired]{Here: view(d.here), There: view(d.there)}
	})
}

func TestClaimsTable(t *testing.T) {
	t.Parallel()
	looptest.ClaimsTable(t, func(t *testing.T) looptest.Bench[looptest.Table] {
		d := deploy(t)
		view := func(api API) looptest.Table {
			return looptest.Table{
				Table: NewClaimsTable(api, d.prefix), Claims: NewClaims(api, d.prefix), Episodes: NewEpisodes(api, d.prefix),
				Budgets: NewBudgets(api, d.prefix), Throttles: NewThrottles(api, d.prefix),
			}
		}
		return looptest.Bench[looptest.Table]{Here: view(d.here), There: view(d.there)}
	})
}

func TestWindows(t *testing.T) {
	t.Parallel()
	looptest.Windows(t, func(t *testing.T) looptest.Bench[decide.Windows] {
		d := deploy(t)
		regions := []string{looptest.HereRegion, looptest.ThereRegion}
		return looptest.Bench[decide.Windows]{
			Here:  NewWindows(d.here, d.prefix, looptest.HereRegion, regions, time.Now),
			There: NewWindows(d.there, d.prefix, looptest.ThereRegion, regions, time.Now),
		}
	})
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	looptest.Outputs(t, func(t *testing.T) looptest.Bench[looptest.OutputStore] {
		d := deploy(t)
		regions := []string{looptest.HereRegion, looptest.ThereRegion}
		return looptest.Bench[looptest.OutputStore]{
			Here:       NewOutputs(d.here, d.prefix, looptest.HereRegion, regions),
			There:      NewOutputs(d.there, d.prefix, looptest.ThereRegion, regions),
			LoseAnswer: d.here.arm,
		}
	})
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	looptest.Documents(t, func(t *testing.T) looptest.DocumentBench {
		d := deploy(t)
		var mu sync.Mutex
		now := time.Now()
		return looptest.DocumentBench{
			Store: NewDocuments(func(region string) API { return d.clients[region] }, d.prefix, func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				return now
			}),
			Advance: func(by time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				now = now.Add(by)
			},
		}
	})
}

func TestClientsAreMadeOncePerRegion(t *testing.T) {
	t.Parallel()
	client := Clients(aws.Config{})
	if client("a") != client("a") || client("a") == client("b") {
		t.Error("not one client per region")
	}
	if o := client("a").(*dynamodb.Client).Options(); o.Region != "a" || o.Retryer.MaxAttempts() != maxAttempts {
		t.Errorf("region %s, %d attempts", o.Region, o.Retryer.MaxAttempts())
	}
}

func TestErrorsNameTheTableItem(t *testing.T) {
	t.Parallel()
	api := fake{put: func(*dynamodb.PutItemInput) error { return errDown }}
	_, _, err := NewClaims(api, "p").Open(t.Context(), loop.Claim{EffectID: "e1"})
	if err == nil || !strings.Contains(err.Error(), "open claim e1") {
		t.Errorf("got %v", err)
	}
}
