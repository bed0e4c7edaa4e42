package app

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/signature"
	"example.com/unbroken/internal/telemetry"
)

// planted are secrets that no log line and no answer may show, right ones and wrong ones.
const (
	plantedKey   = "planted-key-5f1c"
	plantedWrong = "planted-wrong-77aa"
	plantedBody  = "planted-body-90de"
)

type plantedSecrets struct{ err error }

func (s plantedSecrets) Secret(context.Context, string) ([]byte, error) {
	return []byte(plantedKey), s.err
}

// TestNoSecretIsLoggedOrAnswered sends right and wrong credentials of every kind, with good and bad bodies, by every
// way in, and looks through all that is logged at the lowest level, and all that is answered.
func TestNoSecretIsLoggedOrAnswered(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	b := &base{telemetry: telemetry.New(telemetry.Config{Out: &log, Function: "f", Level: "debug", Now: func() time.Time { return now }})}
	var answers strings.Builder
	for _, broken := range []error{nil, errors.New("the store does not answer"), loop.ErrNotFound} {
		in := loop.Input{Kind: loop.KindHTTP, Durability: loop.Regional, Credentials: []loop.Credential{{Secrets: []string{"ssm:/a"}, Sources: []string{"shop/"}}}}
		inputs := map[string]loop.Input{"inbox": {Kind: loop.KindQueue}, "alarms": {Kind: loop.KindAlarm}}
		for _, auth := range []string{loop.AuthBearer, loop.AuthHMAC, loop.AuthGitHub} {
			in.Auth = auth
			inputs[auth] = in
		}
		acceptor := ingest.New(ingest.Config{
			Region: "us-east-2", Inputs: inputs, Queue: taking{}, Observer: b.telemetry.Ingest(func(string) int { return 1 }),
			Secrets: loggedSecrets{plantedSecrets{broken}, b.telemetry.Logger()}, Now: func() time.Time { return now },
		})
		h := b.overHTTP(ingest.NewHTTP(acceptor))
		for _, body := range []string{
			`{"specversion":"1.0","id":"1","source":"shop/x","type":"t","data":"` + plantedBody + `"}`,
			`{"specversion":"1.0","id":"1","source":"plant/x","type":"t","data":"` + plantedBody + `"}`,
			`{"token":"` + plantedBody, plantedBody,
		} {
			for _, key := range []string{plantedKey, plantedWrong} {
				for auth := range inputs {
					ev := event(http.MethodPost, "/v1/signals/"+auth)
					ev.Body = body
					ev.Headers = map[string]string{
						"content-type": ingest.MediaEvent, "authorization": "Bearer " + key, "x-hub-signature-256": "sha256=" + plantedWrong,
						"webhook-id": "m", "webhook-timestamp": signature.Timestamp(now),
						"webhook-signature": signature.Of([]byte(key), "m", signature.Timestamp(now), body) + " v1," + plantedWrong,
					}
					resp, err := h(t.Context(), ev)
					if err != nil {
						t.Fatal(err)
					}
					answers.WriteString(resp.Body)
					for name, value := range resp.Headers {
						answers.WriteString(name + ": " + value + "\n")
					}
				}
			}
			inbox, err := ingest.NewInbox(acceptor, "inbox")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.overSQS("ingest-queue", inbox)(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Body: body}}}); err != nil {
				t.Error(err)
			}
			alarms, err := ingest.NewAlarms(acceptor, "alarms")
			if err != nil {
				t.Fatal(err)
			}
			if err := alarms.Handle(t.Context(), []byte(body)); err != nil {
				t.Error(err)
			}
		}
	}
	if !strings.Contains(log.String(), `"accepted"`) || !strings.Contains(log.String(), `"unauthorized"`) || !strings.Contains(log.String(), "does not answer") {
		t.Errorf("the test tries too little:\n%.2000s", log.String())
	}
	for _, shown := range []string{log.String(), answers.String()} {
		if i := strings.Index(shown, "planted"); i >= 0 {
			t.Errorf("shown: %s", shown[max(0, i-200):min(len(shown), i+60)])
		}
		if strings.Contains(shown, "v1,") {
			t.Error("a signature is shown")
		}
	}
}
