package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"example.com/unbroken/internal/app/gauge"
	"example.com/unbroken/internal/observe"
)

// What the function itself is made of calls the heartbeat's address, although AWS refuses whatever the run asks.
func TestTheObserverCallsItsHeartbeat(t *testing.T) {
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	defer aws.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": aws.URL, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	service, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan struct{}, 10)
	go func() {
		for {
			c, err := service.Accept()
			if err != nil {
				return
			}
			called <- struct{}{}
			_ = c.Close() // before any TLS: it failed, and was called
		}
	}()
	defer func() { _ = service.Close() }()
	bundle := packed(t, `
regions: {loop: [us-east-2]}
health: {heartbeat: "https://`+service.Addr().String()+`/loop"}
inputs: {inbox: {kind: queue}}
rules: [{id: r, match: {type: [t]}, do: [{step: s, action: note}]}]
actions: {note: {to: output, output: k}}
`)
	handler, err := Observer(t.Context(), Environment{Region: "us-east-2", Account: "123456789012", Bundle: bundle}, CloudWatch{gauge.New, gauge.NewMetrics})
	if err != nil {
		t.Fatal(err)
	}
	if err := handler(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-called: // the handler waits for it
	default:
		t.Error("nobody called the heartbeat")
	}
}

// A heartbeat service that answers only once the run is over: one that came first would wait for ever.
func TestTheHeartbeatGoesBesideTheRun(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]error{"answers": nil, "is down": errors.New("down")} {
		over := make(chan struct{})
		beats, runs := 0, 0
		handler := started(t, "us-east-2").observing(func(context.Context) error {
			<-over
			beats++
			return down
		}, func(context.Context) (map[string]observe.Verdict, error) {
			runs++
			return nil, errors.New("in part")
		}, func(context.Context) error {
			close(over)
			return nil
		})
		if err := handler(t.Context()); err != nil || beats != 1 || runs != 1 {
			t.Errorf("%s: %d beats, %d runs, %v", name, beats, runs, err)
		}
	}
}
