package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

// maxAnswer bounds what is read of an answer. 500 results of the longest ids stay below it.
const maxAnswer = 8 << 20

// overHTTP posts batches to /v1/signals/{input}.
type overHTTP struct {
	endpoint Endpoint
	input    string
	http     *http.Client
	sign     Signer
	now      func() time.Time
}

// Deliver implements Transport.
func (t *overHTTP) Deliver(ctx context.Context, events []json.RawMessage) ([]Verdict, error) {
	body := encode(events)
	target := strings.TrimRight(t.endpoint.URL, "/") + "/v1/signals/" + url.PathEscape(t.input)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, &Barred{loop.CodeNotFound, fmt.Sprintf("the endpoint is not a URL: %q", t.endpoint.URL)}
	}
	req.Header.Set("Content-Type", ingest.MediaBatch)
	if t.sign != nil {
		if err := t.sign.Sign(ctx, req, t.endpoint.Region, body); err != nil {
			return nil, &Barred{loop.CodeUnauthorized, err.Error()}
		}
	}
	resp, err := t.http.Do(req)
	if err != nil {
		return nil, &Unavailable{Cause: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, &Unavailable{Cause: fmt.Errorf("the answer broke off: %w", err)}
	}
	return t.verdicts(resp, text, len(events))
}

// verdicts reads an answer. What it does not name was not stored.
func (t *overHTTP) verdicts(resp *http.Response, text []byte, n int) ([]Verdict, error) {
	var p ingest.Problem
	var a ingest.Answer
	refused := resp.StatusCode != http.StatusAccepted
	if refused {
		// An answer without our problem type is not the loop's own: a gateway speaks, or something else listens.
		_ = json.Unmarshal(text, &p)
		a.Accepted, a.Rejected, a.Copies = p.Accepted, p.Rejected, min(len(p.Accepted), 1)
	} else if err := json.Unmarshal(text, &a); err != nil {
		return nil, &Unavailable{Cause: errors.New("202 with an answer that is not the loop's")}
	}
	status := resp.StatusCode
	var later error
	if status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500 {
		later = &Unavailable{RetryAfter: t.retryAfter(resp.Header), Cause: fmt.Errorf("answered %s: %s", resp.Status, cmp.Or(p.Detail, excerpt(text)))}
	}
	if len(a.Accepted)+len(a.Rejected) > 0 {
		return named(a, n), later
	}
	switch {
	case !refused:
		return nil, &Unavailable{Cause: errors.New("202 that names no event")}
	case later != nil:
		return nil, later
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return nil, &Barred{loop.CodeUnauthorized, "answered " + resp.Status + ": " + cmp.Or(p.Detail, excerpt(text))}
	case p.Code == "":
		return nil, &Barred{loop.CodeNotFound, "what answers is not the loop: " + resp.Status + ": " + excerpt(text)}
	}
	all := make([]Verdict, n)
	for i := range all {
		all[i] = Verdict{State: Refused, Code: p.Code, Detail: p.Detail}
	}
	return all, nil
}

func named(a ingest.Answer, n int) []Verdict {
	all := make([]Verdict, n)
	for i := range all {
		all[i] = Verdict{State: Open, Code: loop.CodeUnavailable, Detail: "the answer does not name this event"}
	}
	for _, one := range a.Accepted {
		if one.Index >= 0 && one.Index < n {
			all[one.Index] = Verdict{State: Accepted, Copies: a.Copies}
		}
	}
	for _, one := range a.Rejected {
		if one.Index < 0 || one.Index >= n {
			continue
		}
		v := Verdict{State: Refused, Code: one.Code, Detail: one.Detail}
		if one.Code == loop.CodeUnavailable || one.Code == loop.CodeThrottled {
			v.State = Open
		}
		all[one.Index] = v
	}
	return all
}

// retryAfter reads seconds or a date. https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
func (t *overHTTP) retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil {
		return time.Duration(min(max(s, 0), 3600)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(at.Sub(t.now()), 0), time.Hour)
	}
	return 0
}

// excerpt is a line of an answer for a person.
func excerpt(text []byte) string {
	s := strings.Join(strings.Fields(string(text[:min(len(text), 200)])), " ")
	return cmp.Or(strings.ToValidUTF8(s, ""), "without an explanation")
}
