package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
)

// A canary is posted like a producer's signal, signed for the region's API; whatever is not a 202 is a failure, and nothing is
// followed to where it would prove nothing.
func TestACanaryIsPostedAsAProducersSignal(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "hidden-key"}, nil
	})
	for status, want := range map[int]string{
		http.StatusAccepted: "", http.StatusOK: "200 OK", http.StatusServiceUnavailable: "503 Service Unavailable: why", http.StatusTemporaryRedirect: "307",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			asked := 0
			var connections atomic.Int32
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				body, _ := io.ReadAll(r.Body)
				scope := r.Header.Get("Authorization")
				if r.Method != http.MethodPost || r.URL.Path != "/stage"+loop.CanaryPath || string(body) != "event" || r.Header.Get("Content-Type") != "application/cloudevents+json" ||
					!strings.Contains(scope, "AKID/20260304/us-west-2/execute-api/aws4_request") {
					t.Errorf("%s %s %q, %v", r.Method, r.URL, body, r.Header)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "why")
			}))
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					connections.Add(1)
				}
			}
			server.Start()
			defer server.Close()
			p := poster{
				url: server.URL + "/stage" + loop.CanaryPath, region: "us-west-2", http: &http.Client{Timeout: postTimeout, CheckRedirect: stay, Transport: anew()},
				signer: client.SigV4{Credentials: credentials, Now: func() time.Time { return now }},
			}
			err := p.Post(t.Context(), []byte("event"))
			if again := p.Post(t.Context(), []byte("event")); fmt.Sprint(again) != fmt.Sprint(err) || connections.Load() != 2 {
				t.Errorf("%v, then %v, on %d connections", err, again, connections.Load())
			}
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || asked != 2 {
				t.Errorf("%v after %d requests, want %q", err, asked, want)
			}
		})
	}
}
