package client

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

// opened is a store in which every secret is the same, and a queue that takes everything.
type opened struct{}

const openSecret = "whsec_dGhlIHNlY3JldCBvZiB0aGUgdGVzdCAxMjM0NTY="

func (opened) Secret(context.Context, string) ([]byte, error) { return []byte(openSecret), nil }

func (opened) Send(_ context.Context, _, _ string, msgs []loop.Outgoing) []error {
	return make([]error, len(msgs))
}

// What the package shows is what ingest asks for, by each way that an input may ask.
func TestIngestTakesWhatIsSignedHere(t *testing.T) {
	t.Parallel()
	inputs := map[string]loop.Input{}
	for _, auth := range []string{loop.AuthBearer, loop.AuthHMAC} {
		inputs[auth] = loop.Input{Kind: loop.KindHTTP, Auth: auth, Durability: loop.Regional, Credentials: []loop.Credential{{Secrets: []string{"ssm:/a"}}}}
	}
	region := httptest.NewServer(ingest.NewHTTP(ingest.New(ingest.Config{Region: "r1", Inputs: inputs, Queue: opened{}, Secrets: opened{}, Now: time.Now})))
	t.Cleanup(region.Close)
	for name, tt := range map[string]struct {
		input string
		sign  Signer
		taken bool
	}{
		"the key":             {loop.AuthBearer, Bearer{openSecret}, true},
		"another key":         {loop.AuthBearer, Bearer{"other"}, false},
		"the secret":          {loop.AuthHMAC, HMAC{[]byte(openSecret), time.Now}, true},
		"another secret":      {loop.AuthHMAC, HMAC{[]byte("other"), time.Now}, false},
		"no secret":           {loop.AuthHMAC, HMAC{nil, time.Now}, false},
		"a clock that is off": {loop.AuthHMAC, HMAC{[]byte(openSecret), func() time.Time { return time.Now().Add(-time.Hour) }}, false},
	} {
		r, err := send(t, Config{Endpoints: []Endpoint{{Region: "r1", URL: region.URL}}, Input: tt.input, Sign: tt.sign}, 3)
		if (err == nil) != tt.taken || r.Count(Accepted) != map[bool]int{true: 3}[tt.taken] {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
}
