package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"example.com/unbroken/internal/loop"
)

// open resolves the request's secret and puts it where it belongs, in a copy that lives for this attempt only. Its
// errors say that nothing was sent, which is certain, and never quote the secret.
func (t *Target) open(ctx context.Context, r loop.Request) (loop.Request, []byte, error) {
	if r.Secret == "" {
		return r, nil, nil
	}
	secret, err := t.secrets.Secret(ctx, r.Secret)
	if err != nil {
		return r, nil, fmt.Errorf("nothing was sent: secret %s: %w", r.Secret, err)
	}
	switch r.SecretIn {
	case loop.SecretSigns:
		return r, secret, nil
	case loop.SecretIsURL:
		r.URL, err = secretURL(strings.TrimSpace(string(secret)), r.URL)
	default:
		r.Body, err = withMember(r.Body, r.SecretIn, strings.TrimSpace(string(secret)))
	}
	if err != nil {
		return r, nil, fmt.Errorf("nothing was sent: secret %s: %w", r.Secret, err)
	}
	return r, secret, nil
}

// secretURL takes a URL out of a secret. It must be on the host that loop.yaml declares: who may write a parameter
// must not thereby decide where requests go.
func secretURL(secret, declared string) (string, error) {
	got, err := url.Parse(secret)
	if err != nil {
		return "", errors.New("it is no URL")
	}
	want, err := url.Parse(declared)
	if err != nil {
		return "", errors.New("the declared URL cannot be parsed")
	}
	if got.Scheme != want.Scheme || !strings.EqualFold(got.Host, want.Host) || got.User != nil {
		return "", fmt.Errorf("it is no URL on %s://%s", want.Scheme, want.Host)
	}
	return secret, nil
}

// withMember adds a member to a JSON object. It goes before the others, so that nothing in them can move it.
func withMember(body, name, value string) (string, error) {
	rest, ok := strings.CutPrefix(body, "{")
	if !ok || value == "" {
		return "", errors.New("it is empty, or the body is no JSON object")
	}
	member, err := json.Marshal(map[string]string{name: value})
	if err != nil {
		return "", errors.New("it cannot be written as JSON")
	}
	head := strings.TrimSuffix(string(member), "}")
	if strings.TrimSpace(rest) != "}" {
		head += ","
	}
	return head + rest, nil
}
