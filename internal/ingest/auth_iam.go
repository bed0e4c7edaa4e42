package ingest

import (
	"context"
	"strings"

	"example.com/unbroken/internal/loop"
)

type callerKey struct{}

// WithCaller notes whom the API found the request to be signed by: the ARN of a user, or of a role's session.
func WithCaller(ctx context.Context, arn string) context.Context {
	return context.WithValue(ctx, callerKey{}, arn)
}

// byPrincipal trusts the API, which has checked the signature. An input without credentials is open to whomever IAM
// lets through.
func byPrincipal(ctx context.Context, credentials []loop.Credential) (grant, error) {
	if len(credentials) == 0 {
		return grant{}, nil
	}
	caller, _ := ctx.Value(callerKey{}).(string)
	if caller == "" {
		return grant{}, errUnauthorized()
	}
	for _, c := range credentials {
		if principal(c.Principal) == principal(caller) {
			return grant{c.Sources}, nil
		}
	}
	return grant{}, loop.Refuse(loop.CodeForbidden, "no credential of this input names the role or user that signed this")
}

// principal brings the ARN of a role and those of its sessions to one form. A session has the role's name without its
// path, and names of roles are unique within an account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
func principal(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return arn
	}
	kind, name, _ := strings.Cut(parts[5], "/")
	switch kind {
	case "role":
		name = name[strings.LastIndexByte(name, '/')+1:]
	case "assumed-role":
		name, _, _ = strings.Cut(name, "/")
	default:
		return arn
	}
	return parts[1] + ":" + parts[4] + ":role/" + name
}
