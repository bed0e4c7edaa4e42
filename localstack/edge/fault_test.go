package edge_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/unbroken/localstack/edge"
)

func TestCutRegionIsDeadForClientsAndItsFunctions(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	base, control := setup(t, func(w http.ResponseWriter, r *http.Request) { arrived.Add(1); echo(w, r) })
	if err := control.CutRegion(t.Context(), "us-west-2"); err != nil {
		t.Fatal(err)
	}
	if err := control.CutRegion(t.Context(), "us-west-2"); err != nil {
		t.Fatal(err) // twice is once
	}
	for name, c := range map[string]struct {
		region, token string
		dead          bool
	}{
		"a client to it":                   {"us-west-2", "", true},
		"a peer's function to it":          {"us-west-2", "unbroken/us-east-2/f", true},
		"its function to a peer":           {"us-east-2", "unbroken/us-west-2/f", true},
		"its function to itself":           {"us-west-2", "unbroken/us-west-2/f", true},
		"a client to a peer":               {"us-east-2", "", false},
		"a peer's function to its own one": {"us-east-2", "unbroken/us-east-2/f", false},
	} {
		before := arrived.Load()
		_, _, err := call(t.Context(), base, c.region, "dynamodb", "DynamoDB_20120810.GetItem", c.token)
		if dead := err != nil; dead != c.dead {
			t.Errorf("%s: dead is %t, want %t", name, dead, c.dead)
		}
		if c.dead && arrived.Load() != before {
			t.Errorf("%s: the emulator was called", name)
		}
	}
	if err := control.HealRegion(t.Context(), "us-west-2"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := call(t.Context(), base, "us-west-2", "dynamodb", "X.GetItem", ""); err != nil {
		t.Errorf("after healing: %v", err)
	}
}

func TestCutEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	inside, ended := make(chan struct{}), make(chan struct{})
	base, control := setup(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not notice that the edge left
		close(inside)
		<-r.Context().Done()
		close(ended)
	})
	failed := make(chan error, 1)
	go func() {
		_, _, err := call(t.Context(), base, "us-west-2", "sqs", "AmazonSQS.ReceiveMessage", "")
		failed <- err
	}()
	<-inside
	set(t, control, edge.Fault{Region: "us-west-2", Mode: edge.Cut})
	if err := <-failed; err == nil {
		t.Error("a long poll outlived its region")
	}
	<-ended
}

func TestFailSpeaksTheCallersProtocol(t *testing.T) {
	t.Parallel()
	base, control := setup(t, echo)
	set(t, control, edge.Fault{Mode: edge.Fail, Status: 400, Code: "ThrottlingException"})
	for name, tc := range map[string]struct {
		service string
		header  map[string]string
		want    string
	}{
		"json":  {"dynamodb", map[string]string{"X-Amz-Target": "D.PutItem"}, `{"__type":"ThrottlingException","message":"refused by a fault of the edge"}`},
		"query": {"sns", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, "<ErrorResponse><Error><Type>Sender</Type><Code>ThrottlingException</Code>"},
		"s3":    {"s3", nil, "<Error><Code>ThrottlingException</Code>"},
		"cbor":  {"monitoring", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, "\xa2\x66__type\x73ThrottlingException\x67message\x78\x1erefused by a fault of the edge"},
	} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/", strings.NewReader("x"))
		edge.Scope(req.Header, "us-east-2", tc.service)
		for k, v := range tc.header {
			req.Header.Set(k, v)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != 400 || !strings.Contains(string(text), tc.want) || res.Header.Get("X-Amzn-Errortype") != "ThrottlingException" {
			t.Errorf("%s: %d %q, want %q in it", name, res.StatusCode, text, tc.want)
		}
	}
}

func TestLoseAppliesAndThenDropsTheAnswer(t *testing.T) {
	t.Parallel()
	var applied atomic.Int64
	base, control := setup(t, func(http.ResponseWriter, *http.Request) { applied.Add(1) })
	set(t, control, edge.Fault{Service: "dynamodb", Operation: "UpdateItem", Function: "act", Mode: edge.Lose, Times: 1})
	do := func(operation, token string) error {
		_, _, err := call(t.Context(), base, "us-east-2", "dynamodb", "D."+operation, token)
		return err
	}
	if err := do("GetItem", "unbroken/us-east-2/act"); err != nil {
		t.Errorf("another operation: %v", err)
	}
	if err := do("UpdateItem", "unbroken/us-east-2/decide"); err != nil {
		t.Errorf("another function: %v", err)
	}
	if err := do("UpdateItem", "unbroken/us-east-2/act"); err == nil {
		t.Error("the answer arrived")
	}
	if n := applied.Load(); n != 3 {
		t.Errorf("applied %d, want 3", n)
	}
	if err := do("UpdateItem", "unbroken/us-east-2/act"); err != nil {
		t.Errorf("after the one time: %v", err)
	}
}

func TestDelayComesBeforeEverythingElse(t *testing.T) {
	t.Parallel()
	base, control := setup(t, echo)
	const delay = 40 * time.Millisecond
	set(t, control, edge.Fault{Service: "sqs", Mode: edge.Delay, Delay: edge.Duration(delay)})
	set(t, control, edge.Fault{Service: "sqs", Mode: edge.Fail})
	began := time.Now()
	status, _, err := call(t.Context(), base, "us-east-2", "sqs", "AmazonSQS.SendMessage", "")
	if err != nil || status != http.StatusServiceUnavailable {
		t.Fatalf("%d %v", status, err)
	}
	if took := time.Since(began); took < delay {
		t.Errorf("answered after %s, want at least %s", took, delay)
	}
}

func TestHangEndsWithTheClientOrTheFault(t *testing.T) {
	t.Parallel()
	base, control := setup(t, echo)
	f := set(t, control, edge.Fault{Region: "us-east-2", Mode: edge.Hang})

	impatient, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, _, err := call(impatient, base, "us-east-2", "sqs", "X.Y", ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a deadline", err)
	}

	failed := make(chan error, 1)
	go func() {
		_, _, err := call(t.Context(), base, "us-east-2", "sqs", "X.Y", "")
		failed <- err
	}()
	if err := control.Lift(t.Context(), f.ID); err != nil {
		t.Fatal(err)
	}
	// Whether it hung already or comes through now: it does not wait forever.
	if err := <-failed; errors.Is(err, context.Canceled) {
		t.Error("it waited until the end of the test")
	}
}

func TestFaultsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	_, control := setup(t, echo)
	for _, f := range []edge.Fault{
		{},
		{Mode: "explode"},
		{Mode: edge.Delay},
		{Mode: edge.Fail, Status: 200},
		{Mode: edge.Cut, Times: -1},
	} {
		if _, err := control.Set(t.Context(), f); err == nil || !strings.Contains(err.Error(), "400") {
			t.Errorf("%+v: got %v", f, err)
		}
	}
	if faults, err := control.Faults(t.Context()); err != nil || len(faults) != 0 {
		t.Errorf("%v %v", faults, err)
	}
}
