package edge_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/unbroken/localstack/edge"
)

// setup returns an edge in front of upstream, and a client for its control API.
func setup(t testing.TB, upstream http.HandlerFunc) (base string, control *edge.Client) {
	t.Helper()
	up := httptest.NewServer(upstream)
	t.Cleanup(up.Close)
	e, err := edge.New(edge.Options{Upstream: up.URL, Regions: []string{"us-east-2", "us-west-2"}})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(e)
	t.Cleanup(front.Close)
	return front.URL, &edge.Client{URL: front.URL}
}

// once repeats nothing. Go's client repeats a request when a reused connection closes without
// an answer, because it may have gone stale; a fresh one cannot have.
var once = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// call makes one signed call. token is what a function would send.
func call(ctx context.Context, base, region, service, target, token string) (status int, text string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/", strings.NewReader("{}"))
	if err != nil {
		return 0, "", err
	}
	edge.Scope(req.Header, region, service)
	req.Header.Set("X-Amz-Target", target)
	if token != "" {
		req.Header.Set("X-Amz-Security-Token", token)
	}
	res, err := once.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, string(answer), err
}

func echo(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	_, _ = fmt.Fprintf(w, "host=%s path=%s body=%s", r.Host, r.URL.RequestURI(), text)
}

func set(t *testing.T, control *edge.Client, f edge.Fault) edge.Fault {
	t.Helper()
	f, err := control.Set(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPassesHostPathAndBodyUnchanged(t *testing.T) {
	t.Parallel()
	base, _ := setup(t, echo)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, base+"/bucket/a%2Fb%20c?x=1;y", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "bucket.s3.example:4566"
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	if want := "host=bucket.s3.example:4566 path=/bucket/a%2Fb%20c?x=1;y body=hello"; string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestStreamsAnswers(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	base, _ := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		w.(http.Flusher).Flush()
		<-more
		_, _ = io.WriteString(w, "second\n")
	})
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/", nil)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewReader(res.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != "first\n" {
		t.Fatalf("%q %v", line, err)
	}
	close(more) // only now: the first line came before the answer was complete
	if line, err := lines.ReadString('\n'); err != nil || line != "second\n" {
		t.Fatalf("%q %v", line, err)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	base, control := setup(t, echo)
	for range 3 {
		if _, _, err := call(t.Context(), base, "us-west-2", "sqs", "AmazonSQS.SendMessage", ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := call(t.Context(), base, "us-west-2", "sqs", "AmazonSQS.SendMessage", "unbroken/us-east-2/act"); err != nil {
		t.Fatal(err)
	}
	counts, err := control.Calls(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[edge.Call]int64{
		{Region: "us-west-2", Service: "sqs", Operation: "SendMessage", Caller: edge.Outside}:                 3,
		{Region: "us-west-2", Service: "sqs", Operation: "SendMessage", Caller: "us-east-2", Function: "act"}: 1,
	}
	if len(counts) != len(want) {
		t.Fatalf("got %+v", counts)
	}
	for _, c := range counts {
		if c.Count != want[c.Call] || c.Last.IsZero() {
			t.Errorf("got %+v, want %d", c, want[c.Call])
		}
	}
	if err := control.ResetCalls(t.Context()); err != nil {
		t.Fatal(err)
	}
	if counts, err = control.Calls(t.Context()); err != nil || len(counts) != 0 {
		t.Errorf("after the reset: %+v %v", counts, err)
	}
}

func TestEmulatorDownSaysSo(t *testing.T) {
	t.Parallel()
	e, err := edge.New(edge.Options{Upstream: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(e)
	t.Cleanup(front.Close)
	status, text, err := call(t.Context(), front.URL, "us-east-2", "sqs", "X.Y", "")
	if err != nil || status != http.StatusBadGateway || !strings.Contains(text, "is it running?") {
		t.Errorf("%d %q %v", status, text, err)
	}
}

func BenchmarkEdge(b *testing.B) {
	base, _ := setup(b, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	b.ReportAllocs()
	for b.Loop() {
		req, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, base+"/", strings.NewReader("{}"))
		edge.Scope(req.Header, "us-east-2", "sqs")
		req.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
		res, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
}

func TestAnAnswerThatIsCutShortIsNoAnswer(t *testing.T) {
	t.Parallel()
	base, _ := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = w.Write([]byte("half"))
	})
	res, err := http.Get(base)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusBadGateway {
		t.Errorf("it is passed on as %s: no SDK asks for that again", res.Status)
	}
}
