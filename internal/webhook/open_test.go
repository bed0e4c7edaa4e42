package webhook

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

func TestSecretIsTheURL(t *testing.T) {
	t.Parallel()
	srv, got := serve(t, func(http.ResponseWriter, *http.Request) {})
	tg := target(t, nil, address(srv))
	for secret, verdict := range map[string]act.Verdict{
		srv.URL + "/services/hook-token\n":                   act.Delivered,
		"http://other.example/hook-token":                    act.Unsent,
		"https" + srv.URL[4:]:                                act.Unsent,
		strings.Replace(srv.URL, "//", "//u:hook-token@", 1): act.Unsent,
		"hook-token":       act.Unsent,
		"%zz://hook-token": act.Unsent,
	} {
		tg.secrets = secrets{"ssm:/key": secret}
		e := effect(srv.URL + "/")
		e.Request.SecretIn = loop.SecretIsURL
		want(t, tg.Deliver(t.Context(), e), verdict, "")
	}
	if got.count() != 1 || got.requests[0].URL.Path != "/services/hook-token" || got.requests[0].Header.Get("Webhook-Signature") != "" {
		t.Errorf("%d requests, the first to %s", got.count(), got.requests[0].URL)
	}
}

func TestSecretIsAMemberOfTheBody(t *testing.T) {
	t.Parallel()
	srv, got := serve(t, func(http.ResponseWriter, *http.Request) {})
	tg := target(t, nil, address(srv))
	tg.secrets = secrets{"ssm:/key": "hook-\"token\n"}
	for body, sent := range map[string]string{
		`{"a":"{"}`: `{"routing_key":"hook-\"token","a":"{"}`, `{}`: `{"routing_key":"hook-\"token"}`, `[1]`: "", "": "",
	} {
		e := effect(srv.URL)
		e.Request.SecretIn, e.Request.Body = "routing_key", body
		before := got.count()
		if sent == "" {
			want(t, tg.Deliver(t.Context(), e), act.Unsent, "nothing was sent")
			continue
		}
		want(t, tg.Deliver(t.Context(), e), act.Delivered, "200")
		if got.bodies[before] != sent || e.Request.Body != body {
			t.Errorf("sent %s, want %s; the effect's own body is %s", got.bodies[before], sent, e.Request.Body)
		}
	}
}

// A host that swallows packets never gives a connection: nothing was applied, and a `once` effect may be sent again.
func TestConnectionNeverMadeIsUnsent(t *testing.T) {
	t.Parallel()
	tg := target(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tg.plain = transport(func(ctx context.Context, _, _ string) (net.Conn, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}, nil)
	want(t, tg.Deliver(ctx, effect("http://hook.example/")), act.Unsent, "nothing was sent")
}
