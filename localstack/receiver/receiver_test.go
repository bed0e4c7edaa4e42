package receiver_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/localstack/receiver"
)

func setup(t *testing.T, o receiver.Options) (base string, asked *receiver.Client) {
	t.Helper()
	r, err := receiver.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return s.URL, &receiver.Client{URL: s.URL}
}

func post(t *testing.T, url, id, body string, header ...string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("webhook-id", id)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func report(t *testing.T, asked *receiver.Client, since uint64, path string) receiver.Report {
	t.Helper()
	r, err := asked.Deliveries(t.Context(), since, path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestKeepsEveryDeliveryAndCountsPerID(t *testing.T) {
	t.Parallel()
	base, asked := setup(t, receiver.Options{})
	post(t, base+"/page", "a", "one", "Idempotency-Key", "a", "Content-Type", "application/json")
	post(t, base+"/page", "a", "one")
	mark := report(t, asked, 0, "").Next
	post(t, base+"/shed", "b", "two")

	all := report(t, asked, 0, "")
	if len(all.Deliveries) != 3 || all.Counts["a"] != (receiver.Tally{Received: 2, Applied: 2}) || all.Counts["b"].Received != 1 {
		t.Errorf("got %+v", all)
	}
	first := all.Deliveries[0]
	if first.Body != "one" || first.IdempotencyKey != "a" || first.Path != "/page" || first.ContentType != "application/json" || first.At.IsZero() {
		t.Errorf("got %+v", first)
	}
	if later := report(t, asked, mark, ""); len(later.Deliveries) != 1 || later.Deliveries[0].WebhookID != "b" {
		t.Errorf("since %d: %+v", mark, later)
	}
	if page := report(t, asked, 0, "/pa"); len(page.Deliveries) != 2 {
		t.Errorf("path: %+v", page)
	}
	if err := asked.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if none := report(t, asked, 0, ""); len(none.Deliveries) != 0 || none.Next != 3 {
		t.Errorf("after the reset: %+v", none)
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	base, asked := setup(t, receiver.Options{})
	for i, tc := range []struct {
		path     string
		statuses []int // of one attempt after another
		applied  int
	}{
		{"/hook", []int{200}, 1},
		{"/fail/500/hook", []int{500, 500}, 0},
		{"/fail/429", []int{429}, 0},
		{"/apply-then/500/hook", []int{500, 500}, 2},
		{"/fail/503/hook?times=2", []int{503, 503, 200}, 1},
		{"/apply-then/500/hook?times=1", []int{500, 200}, 2},
		{"/hook?delay=1ms", []int{200}, 1},
	} {
		id := strconv.Itoa(i)
		for _, want := range tc.statuses {
			if got := post(t, base+tc.path, id, ""); got != want {
				t.Errorf("%s: got %d, want %d", tc.path, got, want)
			}
		}
		if got := report(t, asked, 0, "").Counts[id]; got.Applied != tc.applied || got.Received != len(tc.statuses) {
			t.Errorf("%s: got %+v, want %d applied", tc.path, got, tc.applied)
		}
	}
	for _, path := range []string{"/fail", "/fail/x/y", "/fail/99", "/hook?delay=soon", "/hook?times=0"} {
		if got := post(t, base+path, "nonsense", ""); got != http.StatusBadRequest {
			t.Errorf("%s: got %d, want 400", path, got)
		}
	}
}

func TestALateAnswerIsRecordedBeforeItIsGiven(t *testing.T) {
	t.Parallel()
	base, asked := setup(t, receiver.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/hook?delay=1h", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		answered <- err
	}()
	var r receiver.Report
	for len(r.Deliveries) == 0 { // until it is recorded, an hour before it would be answered
		r = report(t, asked, 0, "")
	}
	if !r.Deliveries[0].Applied {
		t.Errorf("got %+v", r)
	}
	cancel()
	if err := <-answered; err == nil {
		t.Error("it was answered, too")
	}
}

func TestVerifiesStandardWebhooks(t *testing.T) {
	t.Parallel()
	// The vector of the specification's reference libraries.
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	now := time.Unix(1614265330, 0)
	base, asked := setup(t, receiver.Options{Secret: secret, Now: func() time.Time { return now }})
	const id, stamp, body, good = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`,
		"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	key, _ := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	mac := hmac.New(sha256.New, key)
	stale := strconv.FormatInt(now.Add(-6*time.Minute).Unix(), 10)
	fmt.Fprintf(mac, "%s.%s.%s", id, stale, body)
	staleSignature := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))

	for name, tc := range map[string]struct {
		stamp, signature, body string
		want                   int
	}{
		"good":            {stamp, good, body, 200},
		"one of several":  {stamp, "v1,AAAA v1a,xx " + good, body, 200},
		"another body":    {stamp, good, body + " ", 401},
		"another version": {stamp, "v2" + good[2:], body, 401},
		"missing":         {stamp, "", body, 401},
		"not a time":      {"yesterday", good, body, 401},
		"stale":           {stale, staleSignature, body, 401},
	} {
		if got := post(t, base+"/"+name, id, tc.body, "webhook-timestamp", tc.stamp, "webhook-signature", tc.signature); got != tc.want {
			t.Errorf("%s: got %d, want %d", name, got, tc.want)
		}
	}
	// What was refused is kept too: a test wants to see it.
	if got := report(t, asked, 0, "").Counts[id]; got != (receiver.Tally{Received: 7, Applied: 2}) {
		t.Errorf("got %+v", got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	base, asked := setup(t, receiver.Options{MaxDeliveries: 5, MaxBytes: 100})
	for i := range 8 {
		post(t, base+"/", strconv.Itoa(i), "small")
	}
	r := report(t, asked, 0, "")
	if len(r.Deliveries) != 5 || r.Dropped != 3 || r.Deliveries[0].WebhookID != "3" {
		t.Errorf("by number: %+v", r)
	}
	post(t, base+"/", "big", strings.Repeat("x", 90))
	if r = report(t, asked, 0, ""); len(r.Deliveries) != 3 || r.Dropped != 6 {
		t.Errorf("by size: %d kept, %d dropped", len(r.Deliveries), r.Dropped)
	}
	if got := post(t, base+"/", "huge", strings.Repeat("x", 1<<20+1)); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over the limit: got %d", got)
	}
}

func TestABadSecretIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"whsec_", "whsec_%%%", "not base64!"} {
		if _, err := receiver.New(receiver.Options{Secret: secret}); err == nil {
			t.Errorf("%q was taken", secret)
		}
	}
}
