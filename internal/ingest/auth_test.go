package ingest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/signature"
)

// down is what a safe holds for a secret that cannot be had at the moment.
const unanswered = "\x00"

func (s safe) Secret(_ context.Context, ref string) ([]byte, error) {
	switch v, ok := s[ref]; {
	case !ok:
		return nil, fmt.Errorf("secret %s: %w", ref, loop.ErrNotFound)
	case v == unanswered:
		return nil, errSafe
	default:
		return []byte(v), nil
	}
}

// guarded is a handler with one input, `door`.
func guarded(q *fakeQueue, auth string, secrets safe, credentials ...loop.Credential) *HTTP {
	a, _ := setup(q)
	a.cfg.Secrets = secrets
	a.cfg.Inputs["door"] = loop.Input{Kind: loop.KindHTTP, Durability: loop.Regional, Policy: loop.PolicyAll, Auth: auth, Credentials: credentials}
	return NewHTTP(a)
}

func credential(sources string, secrets ...string) loop.Credential {
	return loop.Credential{Secrets: secrets, Sources: strings.Fields(sources)}
}

var (
	whsec    = "whsec_" + base64.StdEncoding.EncodeToString([]byte("the key of the shop, 32 bytes ..."))
	whsecNew = "whsec_" + base64.StdEncoding.EncodeToString([]byte("the key that comes after it ....."))
)

func sign(secret, id string, at time.Time, body string) string {
	key, err := signature.Key([]byte(secret))
	if err != nil {
		panic(err)
	}
	return signature.Of(key, id, signature.Timestamp(at), body)
}

func signed(body, id string, at time.Time, signatures ...string) request {
	return post("door", MediaEvent, body).with("Webhook-Id", id).with("Webhook-Timestamp", signature.Timestamp(at)).
		with("Webhook-Signature", strings.Join(signatures, " "))
}

func TestHMAC(t *testing.T) {
	t.Parallel()
	body := event("1")
	ok := sign(whsec, "msg_1", noon, body)
	at := func(d time.Duration) request {
		return signed(body, "msg_1", noon.Add(d), sign(whsec, "msg_1", noon.Add(d), body))
	}
	for name, tt := range map[string]struct {
		request
		status int
	}{
		"signed":                      {signed(body, "msg_1", noon, ok), 202},
		"by the next secret":          {signed(body, "msg_1", noon, sign(whsecNew, "msg_1", noon, body)), 202},
		"by an unknown secret":        {signed(body, "msg_1", noon, sign("other", "msg_1", noon, body)), 401},
		"several, one of them good":   {signed(body, "msg_1", noon, "v1,AAAA", "v1a,zzz", ok), 202},
		"several, none of them good":  {signed(body, "msg_1", noon, "v1,AAAA", "v2,"+strings.TrimPrefix(ok, "v1,")), 401},
		"too many":                    {signed(body, "msg_1", noon, strings.Repeat("v1,AAAA ", 8)+ok), 401},
		"missing":                     {post("door", MediaEvent, body), 401},
		"no id":                       {signed(body, "", noon, ok), 401},
		"no timestamp":                {signed(body, "msg_1", noon, ok).with("Webhook-Timestamp"), 401},
		"a timestamp that is no":      {signed(body, "msg_1", noon, ok).with("Webhook-Timestamp", "noon"), 401},
		"of another body":             {signed(event("2"), "msg_1", noon, ok), 401},
		"of another id":               {signed(body, "msg_2", noon, ok), 401},
		"of another time":             {signed(body, "msg_1", noon.Add(time.Second), ok), 401},
		"stale":                       {at(-6 * time.Minute), 401},
		"almost stale":                {at(-4 * time.Minute), 202},
		"from the future":             {at(6 * time.Minute), 401},
		"from the near future":        {at(4 * time.Minute), 202},
		"a time that overflows":       {signed(body, "msg_1", noon, ok).with("Webhook-Timestamp", "99999999999999999999"), 401},
		"a bearer key in its place":   {post("door", MediaEvent, body).with("Authorization", "Bearer "+whsec), 401},
		"refused before it is parsed": {signed("{", "msg_1", noon, ok), 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{}
			h := guarded(q, loop.AuthHMAC, safe{"ssm:/shop": whsec, "ssm:/shop-next": whsecNew}, credential("shop/", "ssm:/shop", "ssm:/shop-next"))
			answered(t, tt.to(h), tt.status, q)
		})
	}
}

// answered checks the status, that a 401 says the same whatever the reason, and that only what is taken is stored.
func answered(t *testing.T, w *httptest.ResponseRecorder, status int, q *fakeQueue) {
	t.Helper()
	if w.Code != status || (len(q.sent) > 0) != (status == http.StatusAccepted) {
		t.Errorf("%d, %d stored: %s", w.Code, len(q.sent), w.Body)
	}
	if status == http.StatusUnauthorized {
		const same = `{"type":"urn:unbroken:problem:unauthorized","title":"Not authorized","status":401,"detail":"this input could not tell who sent this","code":"unauthorized"}`
		if w.Body.String() != same || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("a refusal tells something: %v %s", w.Header(), w.Body)
		}
	}
}

// A signed request that is sent again is the same signal: the loop drops it, and nothing here needs to remember it.
func TestAReplayIsTheSameSignal(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	h := guarded(q, loop.AuthHMAC, safe{"ssm:/shop": whsec}, credential("shop/", "ssm:/shop"))
	r := signed(event("1"), "msg_1", noon, sign(whsec, "msg_1", noon, event("1")))
	if first, second := taken(t, r.to(h)), taken(t, r.to(h)); first.Accepted[0].Key != second.Accepted[0].Key {
		t.Error("two keys")
	}
}

func TestBearer(t *testing.T) {
	t.Parallel()
	with := func(authorization ...string) request {
		return post("door", MediaEvent, event("1")).with("Authorization", authorization...)
	}
	for name, tt := range map[string]struct {
		request
		status int
	}{
		"the key":              {with("Bearer k1"), 202},
		"the next key":         {with("bearer k2"), 202},
		"another":              {with("Bearer k3"), 401},
		"a part of it":         {with("Bearer k"), 401},
		"none":                 {with(), 401},
		"an empty one":         {with("Bearer "), 401},
		"another scheme":       {with("Basic k1"), 401},
		"a blank secret":       {with("Bearer  "), 401},
		"the secret's own end": {with("Bearer k1\n"), 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{}
			h := guarded(q, loop.AuthBearer, safe{"ssm:/a": "k1\n", "ssm:/b": "k2", "ssm:/blank": " \n"},
				credential("shop/", "ssm:/a", "ssm:/b"), credential("", "ssm:/blank", "ssm:/absent"))
			answered(t, tt.to(h), tt.status, q)
		})
	}
}

func TestGitHubSignature(t *testing.T) {
	t.Parallel()
	ok := toGitHub(goodBodies[loop.FormatGitHub])
	right := ok.header["X-Hub-Signature-256"][0]
	other := toGitHub(`{}`).header["X-Hub-Signature-256"][0]
	for name, tt := range map[string]struct {
		request
		status int
	}{
		"signed":       {ok, 202},
		"unsigned":     {ok.with("X-Hub-Signature-256"), 401},
		"another body": {ok.with("X-Hub-Signature-256", other), 401},
		"sha1":         {ok.with("X-Hub-Signature-256", strings.Replace(right, "sha256", "sha1", 1)), 401},
		"no hex":       {ok.with("X-Hub-Signature-256", "sha256=xyz"), 401},
		"half of it":   {ok.with("X-Hub-Signature-256", right[:20]), 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{}
			h, _ := doors(t, q)
			answered(t, tt.to(h), tt.status, q)
		})
	}
}

// Anybody can sign with a key that is empty.
func TestABlankSecretOpensNothing(t *testing.T) {
	t.Parallel()
	mac := hmac.New(sha256.New, nil)
	mac.Write([]byte(event("1")))
	q := &fakeQueue{}
	h := guarded(q, loop.AuthGitHub, safe{"ssm:/blank": " \n"}, credential("shop/", "ssm:/blank"))
	answered(t, post("door", MediaEvent, event("1")).with("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil))).to(h), http.StatusUnauthorized, q)
}

func TestIAM(t *testing.T) {
	t.Parallel()
	shop := loop.Credential{Principal: "arn:aws:iam::123456789012:role/teams/shop", Sources: []string{"shop/"}}
	ann := loop.Credential{Principal: "arn:aws:iam::123456789012:user/ann", Sources: []string{"plant/", "shop/"}}
	for caller, status := range map[string]int{
		"arn:aws:sts::123456789012:assumed-role/shop/i-1":  202,
		"arn:aws:iam::123456789012:role/shop":              202,
		"arn:aws:iam::123456789012:user/ann":               202,
		"arn:aws:sts::210987654321:assumed-role/shop/i-1":  403,
		"arn:aws:sts::123456789012:assumed-role/shopper/i": 403,
		"arn:aws:sts::123456789012:assumed-role/x/shop":    403,
		"arn:aws:iam::123456789012:user/shop":              403,
		"arn:aws:sts::123456789012:federated-user/shop":    403,
		"": 401,
	} {
		q := &fakeQueue{}
		h := guarded(q, loop.AuthIAM, nil, shop, ann)
		r := httptest.NewRequest(http.MethodPost, pathSignals+"door", strings.NewReader(event("1")))
		r.Header.Set("Content-Type", MediaEvent)
		if caller != "" {
			r = r.WithContext(WithCaller(r.Context(), caller))
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != status || (len(q.sent) > 0) != (status == 202) {
			t.Errorf("%q: %d %s", caller, w.Code, w.Body)
		}
	}
}

// Nobody squats another's ids: a credential speaks for the sources that begin with its own prefixes, and for no other,
// event by event.
func TestACredentialSpeaksForItsOwnSources(t *testing.T) {
	t.Parallel()
	secrets := safe{"ssm:/shop": "k1", "ssm:/plant": "k2"}
	from := func(id, source string) string { return strings.Replace(event(id), "shop/checkout", source, 1) }
	for name, tt := range map[string]struct {
		key, body string
		accepted  int
		code      loop.Code
	}{
		"its own":         {"k1", batchOf(from("1", "shop/checkout"), from("2", "shop/cart")), 2, ""},
		"another's":       {"k1", batchOf(from("1", "plant/load")), 0, loop.CodeForbidden},
		"some":            {"k2", batchOf(from("1", "plant/load"), from("2", "shop/cart"), from("3", "shoplifter")), 1, loop.CodeForbidden},
		"in another case": {"k1", batchOf(from("1", "Shop/checkout")), 0, loop.CodeForbidden},
		"the loop's own":  {"k1", batchOf(from("1", "unbroken:act")), 0, loop.CodeReserved},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{}
			h := guarded(q, loop.AuthBearer, secrets, credential("shop/", "ssm:/shop"), credential("plant/", "ssm:/plant"))
			w := post("door", MediaBatch, tt.body).with("Authorization", "Bearer "+tt.key).to(h)
			if got := len(q.ids(t, ohio)); got != tt.accepted {
				t.Errorf("%d stored: %s", got, w.Body)
			}
			if tt.code != "" && !strings.Contains(w.Body.String(), `"code":"`+string(tt.code)+`"`) {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
			if tt.code == loop.CodeForbidden && tt.accepted == 0 && w.Code != http.StatusForbidden {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
		})
	}
}

// The inbox has no credentials of its own, so the input says what may come through it.
func TestTheInboxTakesItsOwnSourcesOnly(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, _ := setup(q)
	in := a.cfg.Inputs["inbox"]
	in.Sources = []string{"shop/"}
	a.cfg.Inputs["inbox"] = in
	b, err := NewInbox(a, "inbox")
	if err != nil {
		t.Fatal(err)
	}
	body := batchOf(event("1"), strings.Replace(event("2"), "shop/", "plant/", 1), strings.Replace(event("3"), "shop/", "unbroken:", 1))
	if failed := b.Handle(t.Context(), []loop.Message{{ID: "m", Body: []byte(body)}}); len(failed) > 0 {
		t.Error(failed)
	}
	if ids := q.ids(t, ohio); len(ids) != 1 || ids[0] != "1" {
		t.Errorf("stored %v", ids)
	}
	reasons := map[loop.Code]int{}
	for _, r := range q.records(t) {
		reasons[r.Quarantine.Reason]++
	}
	if reasons[loop.CodeForbidden] != 1 || reasons[loop.CodeReserved] != 1 {
		t.Errorf("quarantined %v", reasons)
	}
}

// While its secret cannot be had, nobody is turned away for good: the producer comes again. One that is known still
// opens.
func TestASecretThatCannotBeHadIsNotAWrongOne(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		secrets safe
		status  int
	}{
		"neither can be had":               {safe{"ssm:/a": unanswered, "ssm:/b": unanswered}, 503},
		"the wrong one can":                {safe{"ssm:/a": "other", "ssm:/b": unanswered}, 503},
		"the right one can":                {safe{"ssm:/a": unanswered, "ssm:/b": "k1"}, 202},
		"none exists":                      {safe{}, 503},
		"the wrong one is the only one":    {safe{"ssm:/a": "other"}, 401},
		"the right one is the only one":    {safe{"ssm:/a": "k1"}, 202},
		"both are known, and both not his": {safe{"ssm:/a": "other", "ssm:/b": "another"}, 401},
	} {
		q := &fakeQueue{}
		h := guarded(q, loop.AuthBearer, tt.secrets, credential("shop/", "ssm:/a", "ssm:/b"))
		w := post("door", MediaEvent, event("1")).with("Authorization", "Bearer k1").to(h)
		if w.Code != tt.status || (w.Header().Get("Retry-After") != "") != (tt.status == 503) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func FuzzHMAC(f *testing.F) {
	f.Add("msg_1", strconv.FormatInt(noon.Unix(), 10), "v1,AAAA v1,BBBB", "Bearer x")
	f.Add("", "-1", " , ", "")
	f.Fuzz(func(t *testing.T, id, at, signatures, authorization string) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {signatures}, "Authorization": {authorization}, "X-Hub-Signature-256": {signatures}}
		for _, p := range []proof{hmacProof(h, nil, noon), bearerProof(h), gitHubProof(h, nil)} {
			if p != nil && p([]byte("a secret that nobody guesses, 1f6c")) {
				t.Fatal("it opens for anybody")
			}
		}
	})
}
