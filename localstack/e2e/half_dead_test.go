//go:build e2e && linux

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/region"
	"example.com/unbroken/localstack/edge"
)

// noticed is how soon a half-dead region is to be drained; Route 53 asks three times before it believes that, every 10 s.
const (
	noticed = 150 * time.Second
	asks    = 45 * time.Second
)

// FAULTS 43 and 47: regions whose endpoint answers and whose chain does not work, two at a time and each in a way of its own,
// on AWS's own clock. Observers drain both, and DNS answers the third one, while Route 53's control plane is down. What was
// sent into the broken regions lands once.
func TestHalfDeadRegionsAreDrained(t *testing.T) {
	if !drains {
		t.Skip("observers drain in a world of their own: make test-drains")
	}
	w := watching(t)
	w.well(t, 4*time.Minute, east, west, third)
	for _, name := range []string{east, west, third} {
		healthy(t, name) // a canary that never came is nothing that an observer could miss
	}
	resolves(t, time.Minute, east)
	withoutControlPlane(t)

	of := func(region, function, service string, mode edge.Mode) edge.Fault {
		return edge.Fault{Caller: region, Function: loop.Name(prefix, function), Service: service, Mode: mode}
	}
	// An observer is isolated for a while, and flips nothing: the two that are left have to agree.
	isolated := &death{}
	t.Cleanup(isolated.lift)
	isolated.set(t, of(third, loop.FuncObserver, "", edge.Cut))
	for i, round := range []struct {
		name   string
		faults []edge.Fault
		send   func(t *testing.T, s []client.Signal)
		green  string // the region in which nothing is wrong but the canary
	}{
		{"decide fails on every message; canaries fail and all metrics are green", []edge.Fault{
			of(east, loop.FuncDecide, "sqs", edge.Fail),
			of(west, loop.FuncCanary, "", edge.Fail),
		}, toBoth, west},
		{"claims are out of reach; act is stuck", []edge.Fault{
			of(east, loop.FuncDecide, "dynamodb", edge.Cut), of(east, loop.FuncAct, "dynamodb", edge.Cut),
			of(west, loop.FuncAct, "dynamodb", edge.Hang),
		}, toBoth, ""},
		{"ingest accepts nothing; what the inbox has is not passed on", []edge.Fault{
			of(east, loop.FuncIngestHTTP, "sqs", edge.Fail),
			of(west, loop.FuncIngestQueue, "sqs", edge.Cut),
		}, toTheDeaf, ""},
	} {
		if i == 2 { // about what it takes until the others page: a verdict that is stale, and three periods
			w.paged(t, east, "observers-silent")
			w.paged(t, west, "observers-silent")
			isolated.lift()
		}
		t.Run(round.name, func(t *testing.T) {
			broken := &death{}
			t.Cleanup(func() { broken.revive(t) })
			for _, f := range round.faults {
				broken.set(t, f)
			}
			began := time.Now()
			s := signals(t, "com.example.notify", 6)
			round.send(t, s)

			w.drained(t, began, east, west)
			resolves(t, noticed+asks-time.Since(began), third)
			t.Logf("DNS answers the third region after %s; drained within %s, and %s of Route 53's are allowed", time.Since(began).Round(time.Second), noticed, asks)
			if e, err := w.states(t.Context()); err != nil || e[third].State != region.Active {
				t.Errorf("the healthy region is %q, %v", e[third].State, err)
			}
			if round.green != "" {
				w.onlyCanary(t, round.green)
			}

			broken.revive(t)
			w.well(t, 3*time.Minute, east, west, third)
			delivered(t, 4*time.Minute, s) // what act held comes back six times its timeout later
			landed(t, s)
			w.forget(t, east, west)
			resolves(t, 2*time.Minute, east)
			onlyDataPlanes(t)
		})
	}
}

// toBoth has both regions accept signals that they cannot bring to an end.
func toBoth(t *testing.T, s []client.Signal) {
	t.Helper()
	send(t, east, "alone", s[:3]...)
	send(t, west, "alone", s[3:]...)
}

// toTheDeaf sends where nothing is heard: the first region takes responsibility for nothing, so that a producer who hedges
// goes to the second; and what SQS took for the second one's inbox lies there.
func toTheDeaf(t *testing.T, s []client.Signal) {
	t.Helper()
	var no *client.NotAccepted
	if _, err := impatient(t, east, "alone").Send(t.Context(), s[:3]...); !errors.As(err, &no) {
		t.Fatalf("a region whose ingest is dead accepted: %v", err)
	}
	if _, err := hedged(t).Send(t.Context(), s[:3]...); err != nil {
		t.Fatal(err)
	}
	drop(t, west, s[3:]...)
}

// watch reads what the observers wrote, from the healthy region's table.
type watch struct {
	docs   *dynamo.Documents
	reader region.Reader
}

func watching(t *testing.T) watch {
	t.Helper()
	docs := dynamo.NewDocuments(func(region string) dynamo.API { return dynamo.Clients(suite.AWS(region))(region) }, prefix, time.Now)
	return watch{docs, region.Reader{Docs: docs, Loop: []string{east, west, third}}}
}

func (w watch) states(ctx context.Context) (map[string]region.Entry, error) {
	views, err := w.reader.Views(ctx, third)
	states := map[string]region.Entry{}
	for name, v := range views {
		states[name] = v.Now(time.Now())
	}
	return states, err
}

// drained waits until an observer has drained the regions, and says how long that took for each.
func (w watch) drained(t *testing.T, began time.Time, regions ...string) {
	t.Helper()
	left := slices.Clone(regions)
	untilEvery(t, time.Second, noticed-time.Since(began), func(ctx context.Context) error {
		states, err := w.states(ctx)
		if err != nil {
			return err
		}
		left = slices.DeleteFunc(left, func(name string) bool {
			e := states[name]
			if e.State != region.Drained {
				return false
			}
			t.Logf("%s was drained after %s by %s: %s", name, e.Since.Sub(began).Round(time.Second), e.By, e.Why)
			if !strings.Contains(e.Why, "canary") {
				t.Errorf("the evidence against %s: %s", name, e.Why)
			}
			return true
		})
		if len(left) > 0 {
			views, err := w.reader.Views(ctx, third)
			return errors.Join(err, fmt.Errorf("%v is still active: %+v", left, views))
		}
		return nil
	})
}

// well waits until two observers have lately found nothing against the regions.
func (w watch) well(t *testing.T, limit time.Duration, regions ...string) {
	t.Helper()
	began := time.Now()
	untilEvery(t, time.Second, limit, func(ctx context.Context) error {
		views, err := w.reader.Views(ctx, third)
		for _, name := range regions {
			good := 0
			for _, v := range views[name].Verdicts {
				if v.Healthy && v.At.After(began) {
					good++
				}
			}
			if good < region.Quorum {
				err = errors.Join(err, fmt.Errorf("%s: %d observers find nothing against it: %v", name, good, views[name].Verdicts))
			}
		}
		return err
	})
}

// onlyCanary checks that no observer has anything against the region but that no canary comes through: neither its queues nor
// its metrics. A probe may be slow for this machine's own reasons.
func (w watch) onlyCanary(t *testing.T, name string) {
	t.Helper()
	docs, err := w.docs.Query(t.Context(), third, region.VerdictKey(name))
	if err != nil {
		t.Fatal(err)
	}
	for observer, raw := range docs {
		var v observe.Verdict
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		for _, c := range v.Checks {
			if c.State == observe.Bad && c.Name != "endpoint" && !strings.HasPrefix(c.Name, "canary") {
				t.Errorf("%s of %s: %+v", observer, name, c)
			}
		}
	}
}

// forget takes away what was written of the regions' states: the dwell after a flip would hold the next one for minutes.
func (w watch) forget(t *testing.T, regions ...string) {
	t.Helper()
	table := dynamodb.NewFromConfig(suite.AWS(third))
	for _, name := range regions {
		docs, err := w.docs.Query(t.Context(), third, region.StateKey(name))
		if err != nil {
			t.Fatal(err)
		}
		for writer := range docs {
			_, err := table.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(loop.Name(prefix, loop.TableOutputs)), Key: map[string]ddbtypes.AttributeValue{
				"pk": &ddbtypes.AttributeValueMemberS{Value: region.StateKey(name)}, "sk": &ddbtypes.AttributeValueMemberS{Value: writer},
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// paged waits for an alarm to go off.
func (w watch) paged(t *testing.T, in, alarm string) {
	t.Helper()
	api := cloudwatch.NewFromConfig(suite.AWS(in))
	untilEvery(t, time.Second, 4*time.Minute, func(ctx context.Context) error {
		out, err := api.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{loop.Name(prefix, alarm)}})
		if err == nil && (len(out.MetricAlarms) != 1 || out.MetricAlarms[0].StateValue != types.StateValueAlarm) {
			err = fmt.Errorf("%s in %s: %+v", alarm, in, out.MetricAlarms)
		}
		return err
	})
}
