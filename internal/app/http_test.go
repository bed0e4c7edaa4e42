package app

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/telemetry"
)

func testBase() *base {
	return &base{telemetry: telemetry.New(telemetry.Config{Out: io.Discard, Function: "f", Now: func() time.Time { return time.Unix(0, 0) }})}
}

func event(method, rawPath string) events.APIGatewayV2HTTPRequest {
	ev := events.APIGatewayV2HTTPRequest{RawPath: rawPath}
	ev.RequestContext.Stage = "$default"
	ev.RequestContext.HTTP.Method = method
	ev.RequestContext.HTTP.SourceIP = "192.0.2.1"
	return ev
}

// serve gives what the handler saw, and what the gateway gets.
func serve(t *testing.T, ev events.APIGatewayV2HTTPRequest, h http.HandlerFunc) (seen *http.Request, body string, resp events.APIGatewayV2HTTPResponse) {
	t.Helper()
	resp, err := testBase().overHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen, body = r, string(b)
		if h != nil {
			h(w, r)
		}
	}))(t.Context(), ev)
	if err != nil {
		t.Fatal(err)
	}
	return seen, body, resp
}

func TestARequestArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	ev := event(http.MethodPost, "/v1/signals/default")
	ev.RawQueryString = "a=1&b=%20%2F"
	ev.Headers = map[string]string{"content-type": "application/cloudevents+json", "ce-id": "1,2"}
	ev.Body = `{"a":"<ü>"}`
	r, body, _ := serve(t, ev, nil)
	if r.Method != http.MethodPost || r.URL.Path != "/v1/signals/default" || r.URL.Query().Get("b") != " /" || body != ev.Body {
		t.Errorf("%s %s: %s", r.Method, r.URL, body)
	}
	if r.Header.Get("Content-Type") != "application/cloudevents+json" || r.Header.Get("Ce-Id") != "1,2" || r.RemoteAddr != "192.0.2.1" {
		t.Errorf("%v from %s", r.Header, r.RemoteAddr)
	}
}

func TestABinaryBodyIsDecoded(t *testing.T) {
	t.Parallel()
	ev := event(http.MethodPost, "/")
	ev.Body, ev.IsBase64Encoded = "AP8x", true
	if _, body, _ := serve(t, ev, nil); body != "\x00\xff1" {
		t.Errorf("%q", body)
	}
}

func TestWhatIsNoRequestIsRefusedAsAProblem(t *testing.T) {
	t.Parallel()
	broken := event(http.MethodPost, "/")
	broken.Body, broken.IsBase64Encoded = "***", true
	for name, ev := range map[string]events.APIGatewayV2HTTPRequest{"no base64": broken, "no method": event("NO METHOD", "/")} {
		seen, _, resp := serve(t, ev, nil)
		var p struct {
			Code   loop.Code `json:"code"`
			Status int       `json:"status"`
			Detail string    `json:"detail"`
		}
		err := json.Unmarshal([]byte(resp.Body), &p)
		if seen != nil || err != nil || resp.StatusCode != http.StatusBadRequest || p.Status != resp.StatusCode || p.Code != loop.CodeMalformed ||
			p.Detail == "" || resp.Headers["Content-Type"] != "application/problem+json" {
			t.Errorf("%s: %+v, %v", name, resp, err)
		}
	}
}

// The gateway decodes the path but for %25. A second decoding, or none, would name another output.
func TestAPathIsDecodedExactlyOnce(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"/v1/outputs/shed/check out": "/v1/outputs/shed/check out",
		"/v1/outputs/100%25":         "/v1/outputs/100%",
		"/v1/outputs/a%2520b":        "/v1/outputs/a%20b",
		"/v1/outputs/a?b=c#d":        "/v1/outputs/a?b=c#d",
		"/v1/outputs/ü/☂":            "/v1/outputs/ü/☂",
		"/v1/outputs//a//":           "/v1/outputs//a//",
		"/v1/outputs/../health":      "/v1/outputs/../health",
		"//evil.example/v1/health":   "//evil.example/v1/health",
		"":                           "",
	} {
		r, _, _ := serve(t, event(http.MethodGet, raw), nil)
		if r.URL.Path != want || r.URL.Host != "" || r.URL.RawQuery != "" || r.URL.Fragment != "" {
			t.Errorf("%q became %#v", raw, r.URL)
		}
	}
}

func TestAStageIsNotPartOfThePath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ stage, raw, want string }{
		{"$default", "/v1/health", "/v1/health"},
		{"", "/v1/health", "/v1/health"},
		{"prod", "/prod/v1/health", "/v1/health"},
		{"prod", "/prod", "/"},
		{"prod", "/production/v1", "/production/v1"},
		{"v1", "/v1/v1/health", "/v1/health"},
		{"prod", "/v1/prod", "/v1/prod"},
	} {
		ev := event(http.MethodGet, c.raw)
		ev.RequestContext.Stage = c.stage
		if r, _, _ := serve(t, ev, nil); r.URL.Path != c.want {
			t.Errorf("stage %q: %s became %s, want %s", c.stage, c.raw, r.URL.Path, c.want)
		}
	}
}

func TestAnAnswerReachesTheGatewayWhole(t *testing.T) {
	t.Parallel()
	_, _, resp := serve(t, event(http.MethodGet, "/"), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"x"`)
		w.Header().Add("Allow", "GET")
		w.Header().Add("Allow", "HEAD")
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK) // the first one counts
		_, _ = io.WriteString(w, "one ")
		_, _ = io.WriteString(w, "two ☂")
	})
	if resp.StatusCode != http.StatusTeapot || resp.Body != "one two ☂" || resp.IsBase64Encoded ||
		!maps.Equal(resp.Headers, map[string]string{"Etag": `"x"`, "Allow": "GET,HEAD"}) {
		t.Errorf("%+v", resp)
	}
}

func TestAnAnswerThatSaysNothingIs200(t *testing.T) {
	t.Parallel()
	if _, _, resp := serve(t, event(http.MethodGet, "/"), nil); resp.StatusCode != http.StatusOK || resp.Body != "" || resp.Headers == nil {
		t.Errorf("%+v", resp)
	}
}

func TestBytesThatAreNoTextSurvive(t *testing.T) {
	t.Parallel()
	_, _, resp := serve(t, event(http.MethodGet, "/"), func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0, 0xff, '1'}) })
	if !resp.IsBase64Encoded || resp.Body != "AP8x" {
		t.Errorf("%+v", resp)
	}
}

func TestNoBodyGoesWhereHTTPHasNone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method string
		status int
	}{{http.MethodHead, http.StatusOK}, {http.MethodHead, http.StatusNotFound}, {http.MethodGet, http.StatusNotModified}, {http.MethodGet, http.StatusNoContent}} {
		_, _, resp := serve(t, event(c.method, "/"), func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, strings.Repeat("x", 10))
		})
		if resp.Body != "" || resp.StatusCode != c.status {
			t.Errorf("%s %d: %+v", c.method, c.status, resp)
		}
	}
}
