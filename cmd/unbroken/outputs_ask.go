package main

import (
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

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/outputs"
)

// maxOutput bounds an answer: a value has at most 256 KiB and JSON may write a byte as six; the others are smaller.
const maxOutput = 4 << 20

// errNoOutput is an answer: the key is not there.
var errNoOutput = errors.New("no output has this key")

// errNoAnswer is what something else says that listens there.
var errNoAnswer = errors.New("answered something that is not an output")

// asker asks the regions for outputs, in turn, until one answers.
type asker struct {
	http    *http.Client
	sign    client.Signer
	regions []string
	urls    map[string]string
}

// told is what an answer's headers say.
type told struct {
	region  string
	seconds string
}

// age trusts the region's clock before this machine's.
func (t told) age(now, written time.Time) string {
	if s, err := strconv.Atoi(t.seconds); err == nil {
		return (time.Duration(s) * time.Second).String()
	}
	return max(now.Sub(written), 0).Truncate(time.Second).String()
}

// get decodes the first answer that whole takes for what was asked for.
func get[T any](ctx context.Context, a *asker, q url.Values, whole func(T) bool) (T, told, error) {
	var none T
	var errs []error
	for _, region := range a.regions {
		if a.urls[region] == "" {
			continue
		}
		var body T
		header, err := a.one(ctx, region, q, &body)
		if err == nil && !whole(body) {
			err = errNoAnswer
		}
		switch {
		case err == nil:
			return body, told{region: cmp.Or(header.Get(outputs.HeaderRegion), region), seconds: header.Get("Age")}, nil
		case errors.Is(err, errNoOutput):
			return none, told{}, fmt.Errorf("%w (asked %s)", errNoOutput, region)
		case refusedHere(err):
			return none, told{}, fail(exitProblem, err)
		}
		errs = append(errs, fmt.Errorf("%s: %w", region, err))
	}
	return none, told{}, fail(exitUnreachable, fmt.Errorf("no region answered: %w", errors.Join(errs...)))
}

// refusedHere says whether the loop itself refused the question: another region would, too.
func refusedHere(err error) bool { return loop.CodeOf(err) == loop.CodeInvalidQuery }

// one asks by the query, which carries every key as it is; a path does not. A space is %20 there: what is signed and
// what is sent must be spelt the same.
func (a *asker) one(ctx context.Context, region string, q url.Values, body any) (http.Header, error) {
	ctx, cancel := callContext(ctx)
	defer cancel()
	target := a.urls[region] + "/v1/outputs?" + strings.ReplaceAll(q.Encode(), "+", "%20")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	if err := a.sign.Sign(ctx, req, region, nil); err != nil {
		return nil, err
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxOutput))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(resp, text)
	}
	if err := json.Unmarshal(text, body); err != nil {
		return nil, errNoAnswer
	}
	return resp.Header, nil
}

// refusal tells the loop's own refusal from a gateway's.
func refusal(resp *http.Response, text []byte) error {
	var p struct {
		Code   loop.Code `json:"code"`
		Detail string    `json:"detail"`
	}
	_ = json.Unmarshal(text, &p) // a gateway's answer has no code
	switch {
	case resp.StatusCode == http.StatusNotFound && p.Code == loop.CodeNotFound:
		return errNoOutput
	case resp.StatusCode == http.StatusBadRequest && p.Code == loop.CodeInvalidQuery:
		return loop.Refuse(p.Code, "%s", line(p.Detail))
	}
	return fmt.Errorf("answered %s", resp.Status)
}
