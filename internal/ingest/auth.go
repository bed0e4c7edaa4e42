package ingest

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"example.com/unbroken/internal/loop"
)

// Secrets resolves what a credential names, ssm:/path. It remembers values, and keeps the last good one while its
// service does not answer: a request must not cost a look-up.
type Secrets interface {
	Secret(ctx context.Context, ref string) ([]byte, error)
}

// proof says whether a request was made with the secret. Where there is nothing to check, it is nil.
type proof func(secret []byte) bool

// grant is what a caller may speak for: sources that start with one of the prefixes, or any where there are none.
type grant struct{ sources []string }

// errUnauthorized tells nothing: not whether the secret was wrong, the signature old or a header missing.
func errUnauthorized() error {
	return loop.Refuse(loop.CodeUnauthorized, "this input could not tell who sent this")
}

// authenticate finds out whose request it is. body is what came over the wire: that is what was signed.
func (a *Acceptor) authenticate(r *http.Request, in loop.Input, body []byte) (grant, error) {
	var shown proof
	switch cmp.Or(in.Auth, loop.AuthIAM) {
	case loop.AuthIAM:
		return byPrincipal(r.Context(), in.Credentials)
	case loop.AuthHMAC:
		shown = hmacProof(r.Header, body, a.cfg.Now())
	case loop.AuthGitHub:
		shown = gitHubProof(r.Header, body)
	case loop.AuthBearer:
		shown = bearerProof(r.Header)
	}
	if shown == nil {
		return grant{}, errUnauthorized()
	}
	return a.bySecret(r.Context(), in.Credentials, shown)
}

// bySecret tries every secret of every credential. One that cannot be had now may have been the right one: then the
// producer shall come again, rather than believe that it was turned away.
func (a *Acceptor) bySecret(ctx context.Context, credentials []loop.Credential, shown proof) (grant, error) {
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	unknown, known := false, false
	for _, c := range credentials {
		for _, ref := range c.Secrets {
			secret, err := a.cfg.Secrets.Secret(ctx, ref)
			switch {
			case errors.Is(err, loop.ErrNotFound): // the second one, while nothing is being replaced
			case err != nil:
				unknown = true
			case shown(secret):
				return grant{c.Sources}, nil
			default:
				known = true
			}
		}
	}
	if unknown || !known {
		return grant{}, loop.Refuse(loop.CodeUnavailable, "nobody can be told from another at the moment; send it again, here or in another region")
	}
	return grant{}, errUnauthorized()
}

// secretTimeout bounds all look-ups of one request. Almost none has any.
const secretTimeout = 2 * time.Second

// check refuses a signal of a source that the caller, or the input, does not speak for.
func (g grant) check(in loop.Input, s loop.Signal) error {
	if loop.Covers(g.sources, s.Source) && loop.Covers(in.Sources, s.Source) {
		return nil
	}
	return loop.Refuse(loop.CodeForbidden, "source %s: this credential does not speak for it", quoteName(s.Source))
}
