package webhook

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/signature"
)

func TestTheRenderedBytesAreSentWithOurHeaders(t *testing.T) {
	t.Parallel()
	srv, got := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	e := effect(srv.URL + "/hook?a=%2F&b")
	e.Request.Headers["X-Team"] = "shop"
	want(t, target(t, nil, address(srv)).Deliver(t.Context(), e), act.Delivered, "202 Accepted")

	if got.count() != 1 {
		t.Fatalf("%d requests", got.count())
	}
	r := got.requests[0]
	if got.bodies[0] != exampleBody || r.Method != http.MethodPost || r.RequestURI != "/hook?a=%2F&b" || r.ContentLength != int64(len(exampleBody)) {
		t.Errorf("%s %s %q", r.Method, r.RequestURI, got.bodies[0])
	}
	for name, value := range map[string]string{
		"Idempotency-Key": exampleID, "Webhook-Id": exampleID, "Webhook-Timestamp": fmt.Sprint(exampleAt),
		"Webhook-Signature": exampleSign, "Content-Type": "application/json", "X-Team": "shop", "User-Agent": "unbroken",
		"Accept-Encoding": "",
	} {
		if r.Header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, r.Header.Get(name), value)
		}
	}
}

func TestWithoutASecretThereIsNoSignature(t *testing.T) {
	t.Parallel()
	srv, got := serve(t, func(http.ResponseWriter, *http.Request) {})
	e := effect(srv.URL)
	e.Request.Secret = ""
	want(t, target(t, nil, address(srv)).Deliver(t.Context(), e), act.Delivered, "200 OK")
	if h := got.requests[0].Header; h.Get("Webhook-Signature") != "" || h.Get("Webhook-Id") != exampleID || h.Get("Webhook-Timestamp") == "" {
		t.Errorf("headers %v", h)
	}
}

func TestWithoutItsSecretNothingIsSent(t *testing.T) {
	t.Parallel()
	for name, ref := range map[string]string{"refused": "ssm:/other", "empty": "ssm:/empty", "not base64": "ssm:/broken"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, got := serve(t, func(http.ResponseWriter, *http.Request) {})
			tg := target(t, nil, address(srv))
			tg.secrets = secrets{"ssm:/empty": "", "ssm:/broken": "whsec_%%hook-token"}
			e := effect(srv.URL)
			e.Request.Secret = ref
			want(t, tg.Deliver(t.Context(), e), act.Unsent, "nothing was sent: secret "+ref)
			if got.count() != 0 {
				t.Error("a request was sent")
			}
		})
	}
}

func TestSigningKeysAreReadAsStored(t *testing.T) {
	t.Parallel()
	for stored, key := range map[string]string{
		"whsec_aGVsbG8=": "hello", "whsec_aGVsbG8=\n": "hello", "hello": "hello", "hello\n": "hello\n",
	} {
		got, err := signature.Key([]byte(stored))
		if err != nil || string(got) != key {
			t.Errorf("%q: %q %v, want %q", stored, got, err, key)
		}
	}
}

func TestRequestsThatCanNeverBeSentAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change   func(*loop.Effect)
		evidence string
	}{
		"no request":    {func(e *loop.Effect) { e.Request = nil }, "no request"},
		"method":        {func(e *loop.Effect) { e.Request.Method = "CONNECT" }, "method"},
		"scheme":        {func(e *loop.Effect) { e.Request.URL = "file:///etc/hook-token" }, "https://host"},
		"no host":       {func(e *loop.Effect) { e.Request.URL = "https:///hook-token" }, "https://host"},
		"unparsable":    {func(e *loop.Effect) { e.Request.URL = "https://h\x7f/hook-token" }, "cannot be parsed"},
		"userinfo":      {func(e *loop.Effect) { e.Request.URL = "https://hook-token@example.com/" }, "user name"},
		"CR LF":         {func(e *loop.Effect) { e.Request.Headers["X-A"] = "hook-token\r\nX-B: c" }, "control characters"},
		"name":          {func(e *loop.Effect) { e.Request.Headers["X A"] = "1" }, "name"},
		"LF in a name":  {func(e *loop.Effect) { e.Request.Headers["X-A\nX-B"] = "1" }, "name"},
		"host":          {func(e *loop.Effect) { e.Request.Headers["Host"] = "metadata" }, "belongs to the connection"},
		"chunked":       {func(e *loop.Effect) { e.Request.Headers["Transfer-Encoding"] = "chunked" }, "belongs to the connection"},
		"our key":       {func(e *loop.Effect) { e.Request.Headers["Idempotency-Key"] = "mine" }, "the loop's own"},
		"our signature": {func(e *loop.Effect) { e.Request.Headers["Webhook-Signature"] = "mine" }, "the loop's own"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, got := serve(t, func(http.ResponseWriter, *http.Request) {})
			e := effect(srv.URL)
			tt.change(&e)
			want(t, target(t, nil, address(srv)).Deliver(t.Context(), e), act.Refused, tt.evidence)
			if got.count() != 0 {
				t.Error("a request was sent")
			}
		})
	}
}

func TestEveryStatusHasItsVerdict(t *testing.T) {
	t.Parallel()
	verdict := func(code int) act.Verdict {
		switch code {
		case 200, 201, 202, 204, 299:
			return act.Delivered
		case 425, 429:
			return act.Unsent
		case 408, 409, 500, 501, 502, 503, 504, 599:
			return act.Retry
		}
		return act.Refused
	}
	for _, code := range []int{200, 201, 202, 204, 299, 300, 304, 400, 401, 403, 404, 405, 408, 409, 410, 413, 422, 425, 428, 429, 500, 501, 502, 503, 504, 599} {
		srv, got := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Echo", r.Header.Get("Webhook-Signature"))
			w.WriteHeader(code)
			if code >= 400 { // a target that says everything it knows
				_, _ = fmt.Fprintf(w, "%v %s", r.Header, exampleSecret)
			}
		})
		want(t, target(t, nil, address(srv)).Deliver(t.Context(), effect(srv.URL+"/hook-token")), verdict(code), fmt.Sprint(code))
		if got.count() != 1 {
			t.Errorf("%d: %d requests", code, got.count())
		}
	}
}

func TestEvidenceIsOneShortLine(t *testing.T) {
	t.Parallel()
	if got := line("a\r\n b\t" + strings.Repeat("ä", 400)); len(got) > maxEvidence+len("…") || !strings.HasPrefix(got, "a b ä") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
