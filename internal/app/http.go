package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

// HTTPHandler is a Lambda handler behind an HTTP API.
type HTTPHandler func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// overHTTP lets a plain http.Handler serve an HTTP API with payload format 2.0, so that the handlers know nothing
// of Lambda and are tested with net/http alone.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func (b *base) overHTTP(h http.Handler) HTTPHandler {
	return func(ctx context.Context, ev events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		ctx, end := b.telemetry.StartBatch(ctx, nil)
		defer end()
		req, err := request(ctx, ev)
		if err != nil {
			return malformed(err), nil
		}
		rec := &answer{header: http.Header{}}
		h.ServeHTTP(rec, req)
		return rec.response(req.Method), nil
	}
}

// answer collects what a handler writes.
type answer struct {
	header http.Header
	code   int // 0 until the handler has said it
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

// WriteHeader keeps the first code, as net/http does.
func (a *answer) WriteHeader(code int) { a.code = cmp.Or(a.code, code) }

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// response is what the gateway is to send. It sends what it is given, so a body where HTTP has none stays here.
func (a *answer) response(method string) events.APIGatewayV2HTTPResponse {
	resp := events.APIGatewayV2HTTPResponse{
		StatusCode: cmp.Or(a.code, http.StatusOK), Headers: make(map[string]string, len(a.header)),
	}
	for name, values := range a.header {
		resp.Headers[name] = strings.Join(values, ",")
	}
	switch body := a.body.Bytes(); {
	case method == http.MethodHead, resp.StatusCode == http.StatusNotModified, resp.StatusCode == http.StatusNoContent:
	case utf8.Valid(body):
		resp.Body = string(body)
	default: // the response is JSON, which would replace what is no text
		resp.Body, resp.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return resp
}

// malformed answers an event that is no request. The gateway makes none; whoever invokes the function by hand may.
func malformed(err error) events.APIGatewayV2HTTPResponse {
	body, _ := json.Marshal(map[string]any{ // texts and a number always encode
		"type": ingest.ProblemPrefix + string(loop.CodeMalformed), "title": http.StatusText(http.StatusBadRequest),
		"status": http.StatusBadRequest, "code": loop.CodeMalformed, "detail": "the event is not a request: " + err.Error(),
	})
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusBadRequest, Headers: map[string]string{"Content-Type": ingest.MediaProblem}, Body: string(body),
	}
}

func request(ctx context.Context, ev events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body := []byte(ev.Body)
	if ev.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(ev.Body); err != nil {
			return nil, fmt.Errorf("decode the body: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, ev.RequestContext.HTTP.Method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	// Set as it is, never parsed again: what was decoded once may look like an escape, a query or a host.
	req.URL = &url.URL{Path: path(ev), RawQuery: ev.RawQueryString}
	for name, value := range ev.Headers {
		req.Header.Set(name, value)
	}
	req.RemoteAddr = ev.RequestContext.HTTP.SourceIP
	if by := ev.RequestContext.Authorizer; by != nil && by.IAM != nil {
		req = req.WithContext(ingest.WithCaller(ctx, by.IAM.UserARN))
	}
	return req, nil
}

// path is the request's path, decoded and without the stage. An HTTP API decodes rawPath, but leaves the escape of
// the percent sign, so that what follows one is never an escape by accident. A stage other than $default stands
// before the path.
func path(ev events.APIGatewayV2HTTPRequest) string {
	p := strings.ReplaceAll(ev.RawPath, "%25", "%")
	if stage := ev.RequestContext.Stage; stage != "" && stage != "$default" {
		if rest, ok := strings.CutPrefix(p, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			return cmp.Or(rest, "/")
		}
	}
	return p
}
