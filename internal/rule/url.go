package rule

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// splitURL takes a webhook's URL apart into its templates. Scheme, host and port must be literal: what a signal
// says never decides where a request goes (DESIGN section 7).
func splitURL(raw string) ([]piece, error) {
	pieces, err := split(raw)
	if err != nil {
		return nil, err
	}
	if len(pieces) == 0 || pieces[0].isExpr {
		return nil, errors.New("scheme, host and port must not come from a template")
	}
	_, rest, ok := strings.Cut(pieces[0].source, "://")
	if !ok {
		return nil, errors.New("not an absolute URL such as https://api.example.com/path")
	}
	if !strings.ContainsAny(rest, "/?#") && len(pieces) > 1 {
		return nil, errors.New("scheme, host and port must not come from a template")
	}
	for _, p := range pieces {
		if !p.isExpr && strings.Contains(p.source, "#") {
			return nil, errors.New("a fragment is never sent")
		}
	}
	return pieces, nil
}

// checkURL says what is wrong with a webhook's URL. Plain http, an address instead of a name, and a port other
// than 443 are for targets that egress_allow lists exactly.
func checkURL(raw string, egressAllow []string) error {
	pieces, err := splitURL(raw)
	if err != nil {
		return err
	}
	var sample strings.Builder
	for _, p := range pieces {
		if p.isExpr {
			sample.WriteString("x")
		} else {
			sample.WriteString(p.source)
		}
	}
	u, err := url.Parse(sample.String())
	if err != nil {
		return errors.New("not a URL: " + oneLine(errors.Unwrap(err).Error()))
	}
	switch {
	case u.User != nil:
		return errors.New("a user or password must not stand in a URL; use secret: ssm:/path")
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("scheme %q is not https", u.Scheme)
	case u.Hostname() == "":
		return errors.New("no host")
	}
	if slices.ContainsFunc(strings.Split(u.EscapedPath(), "/"), dotSegment) {
		return errors.New("the path has a . or .. segment")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	if slices.Contains(egressAllow, u.Hostname()+":"+port) || slices.Contains(egressAllow, "["+u.Hostname()+"]:"+port) {
		return nil
	}
	switch {
	case u.Scheme != "https":
		return errors.New("https is required, unless egress_allow lists exactly this ip:port")
	case addressLike(u.Hostname()):
		return errors.New("a name is required, not an address, unless egress_allow lists exactly this ip:port")
	case port != "443":
		return errors.New("port 443 is required, unless egress_allow lists exactly this ip:port")
	}
	return nil
}

// addressLike recognises addresses in every notation that some resolver takes, 2130706433 and 0x7f.1 included:
// a host whose last label is a number is an address. https://url.spec.whatwg.org/#ends-in-a-number-checker
func addressLike(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last == "" || strings.Trim(last, "0123456789") == ""
}

func dotSegment(s string) bool {
	if decoded, err := url.PathUnescape(s); err == nil {
		s = decoded
	}
	return s == "." || s == ".."
}

// urlTemplate compiles a URL. A template in the path is one segment, escaped; in the query, it is escaped too.
func urlTemplate(raw string) (*template, error) {
	pieces, err := splitURL(raw)
	if err != nil {
		return nil, err
	}
	t := &template{field: "url"}
	f := formPath
	for _, p := range pieces {
		if !p.isExpr {
			t.text(p.source)
			if strings.Contains(p.source, "?") {
				f = formQuery
			}
			continue
		}
		x, err := compile(p.source, scopeAction, nil)
		if err != nil {
			return nil, fmt.Errorf("{{ %s }}: %w", oneLine(p.source), err)
		}
		t.chunks = append(t.chunks, chunk{expr: x, form: f})
	}
	return t, nil
}

// renderedPath refuses what a template must not turn a path into: `..` would name another resource than the one
// that was written down.
func renderedPath(rendered string) error {
	path, _, _ := strings.Cut(rendered, "?")
	if slices.ContainsFunc(strings.Split(path, "/"), dotSegment) {
		return errors.New("a template made a segment of the path . or .., which names another resource")
	}
	return nil
}
