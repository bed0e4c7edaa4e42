package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

func serve(t *testing.T, h http.HandlerFunc) Endpoint {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return Endpoint{Region: "us-east-2", URL: s.URL}
}

// takeAll answers as ingest does.
func takeAll(w http.ResponseWriter, r *http.Request) {
	var events []struct{ ID, Source string }
	if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a := ingest.Answer{Copies: 2}
	for i, e := range events {
		a.Accepted = append(a.Accepted, ingest.Accepted{Index: i, ID: e.ID, Source: e.Source})
	}
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(a)
}

func answers(status int, retryAfter, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestOneRegionRefusesAndTheOtherTakesIt(t *testing.T) {
	t.Parallel()
	bad := serve(t, answers(503, "30", `{"code":"unavailable","status":503}`))
	good := serve(t, takeAll)
	good.Region = "us-west-2"
	r, err := send(t, Config{Endpoints: []Endpoint{bad, good}, Attempt: time.Minute, Timeout: 2 * time.Minute}, 5)
	if err != nil || r.Results[4].Region != "us-west-2" || r.Results[4].Copies != 2 || r.Requests != 2 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestOneRegionSwallowsAndTheHedgeTakesIt(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	dead := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client is gone
		<-r.Context().Done()
	})
	good := serve(t, func(w http.ResponseWriter, r *http.Request) {
		<-asked // however busy the machine is, both have the request before one answers
		takeAll(w, r)
	})
	good.Region = "us-west-2"
	r, err := send(t, Config{Endpoints: []Endpoint{dead, good}, Hedge: true, HedgeAfter: 10 * time.Millisecond, Attempt: time.Minute, Timeout: 2 * time.Minute}, 1)
	if err != nil || r.Results[0].Region != "us-west-2" || r.Hedged != 1 || len(asked) != 0 {
		t.Errorf("%+v %v, asked %d times more", r, err, len(asked))
	}
}

func TestRequestsAreSignedWithTheHashOfTheBody(t *testing.T) {
	t.Parallel()
	var auth, hash, sum, path, media string
	good := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s := sha256.Sum256(body)
		auth, hash, sum = r.Header.Get("Authorization"), r.Header.Get("X-Amz-Content-Sha256"), hex.EncodeToString(s[:])
		path, media = r.URL.Path, r.Header.Get("Content-Type")
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		takeAll(w, r)
	})
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	_, err := send(t, Config{Endpoints: []Endpoint{good}, Input: "replay", Sign: SigV4{
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
		}),
		Now: func() time.Time { return at },
	}}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(auth, "Credential=AKID/20260102/us-east-2/execute-api/aws4_request") || !strings.Contains(auth, "x-amz-content-sha256") {
		t.Errorf("Authorization: %s", auth)
	}
	if hash != sum || path != "/v1/signals/replay" || media != ingest.MediaBatch {
		t.Errorf("hash %s of a body with %s; %s to %s", hash, sum, media, path)
	}
}

func TestWithoutCredentialsNothingIsSent(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	e := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	r, err := send(t, Config{Endpoints: []Endpoint{e}, Sign: SigV4{
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("none")
		}), Now: time.Now,
	}}, 1)
	if err == nil || asked.Load() != 0 || r.Results[0].Code != loop.CodeUnauthorized {
		t.Errorf("%+v %v", r, err)
	}
}

func TestHowAnswersAreRead(t *testing.T) {
	t.Parallel()
	const three = 3
	named := `{"accepted":[{"index":0,"id":"id-0"}],"rejected":[{"index":1,"code":"%s","detail":"d"}],"copies":1}`
	for name, c := range map[string]struct {
		status      int
		retry, body string
		states      string // one letter per event; "" where nothing is known of any
		code        loop.Code
		barred      bool
		after       time.Duration
	}{
		"accepted and refused, one not named": {status: 202, body: fmt.Sprintf(named, "invalid_event"), states: "aro"},
		"accepted and one not stored":         {status: 503, retry: "2", body: fmt.Sprintf(named, "unavailable"), states: "aoo", after: 2 * time.Second},
		"202 without our answer":              {status: 202, body: `<html>`},
		"202 that names nothing":              {status: 202, body: `{}`},
		"refused as a whole":                  {status: 404, body: `{"code":"unknown_input","detail":"no"}`, states: "rrr"},
		"too large as a whole":                {status: 413, body: `{"code":"too_large","detail":"no"}`, states: "rrr"},
		"the gateway throttles":               {status: 429, retry: "3", body: `{"message":"Too Many"}`, after: 3 * time.Second},
		"the gateway fails":                   {status: 502, body: `bad gateway`},
		"no permission":                       {status: 403, body: `{"message":"Forbidden"}`, barred: true, code: loop.CodeUnauthorized},
		"something else listens":              {status: 404, body: `not here`, barred: true, code: loop.CodeNotFound},
		"a redirect":                          {status: 307, body: ``, barred: true, code: loop.CodeNotFound},
		"an index out of range":               {status: 202, body: `{"accepted":[{"index":-1},{"index":3}],"rejected":[{"index":9,"code":"x"}],"copies":2}`, states: "ooo"},
		"a date":                              {status: 503, retry: "Fri, 02 Jan 2026 03:04:15 GMT", after: 10 * time.Second},
		"nonsense":                            {status: 503, retry: "soon"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := serve(t, answers(c.status, c.retry, c.body))
			tr := &overHTTP{endpoint: e, input: "default", http: &http.Client{CheckRedirect: NoRedirect}, now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }}
			verdicts, err := tr.Deliver(t.Context(), make([]json.RawMessage, three))
			states := ""
			for _, v := range verdicts {
				states += string(v.State[0])
			}
			if states != c.states {
				t.Errorf("states %q, want %q: %v", states, c.states, err)
			}
			b, barred := errors.AsType[*Barred](err)
			if barred != c.barred || barred && b.Code != c.code {
				t.Errorf("barred %t: %v", barred, err)
			}
			if u, ok := errors.AsType[*Unavailable](err); ok && u.RetryAfter != c.after || !ok && c.after > 0 || !ok && c.states == "" && !c.barred {
				t.Errorf("retry after %s: %v", c.after, err)
			}
		})
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	trap := serve(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	e := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, trap.URL, http.StatusTemporaryRedirect)
	})
	if _, err := send(t, Config{Endpoints: []Endpoint{e}}, 1); err == nil || reached.Load() != 0 {
		t.Errorf("followed %d times: %v", reached.Load(), err)
	}
}

// Whatever answers, each event has a verdict or the whole answer an error, and only what is named as accepted is.
func FuzzAnswer(f *testing.F) {
	f.Add(202, `{"accepted":[{"index":0}],"rejected":[{"index":1,"code":"malformed"}],"copies":2}`, "1")
	f.Add(503, `{"code":"unavailable","accepted":[{"index":-1},{"index":99}]}`, "Fri, 02 Jan 2026 03:04:15 GMT")
	f.Add(400, `{"code":"malformed","detail":"x"}`, "")
	f.Add(302, "<html>", "-5")
	f.Fuzz(func(t *testing.T, status int, body, retry string) {
		const n = 3
		tr := &overHTTP{now: time.Now}
		got, err := tr.verdicts(&http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Retry-After": {retry}}}, []byte(body), n)
		if len(got) != n && err == nil {
			t.Fatalf("%d verdicts of %d, and no error", len(got), n)
		}
		for _, v := range got {
			if v.State == Accepted && !strings.Contains(strings.ToLower(body), "accepted") {
				t.Fatalf("%q was taken for an acceptance", body)
			}
		}
	})
}
