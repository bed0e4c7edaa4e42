package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
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
			return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusBadRequest}, nil
		}
		rec := &answer{header: http.Header{}, code: http.StatusOK}
		h.ServeHTTP(rec, req)
		resp := events.APIGatewayV2HTTPResponse{
			StatusCode: rec.code, Body: rec.body.String(), Headers: make(map[string]string, len(rec.header)),
		}
		for name, values := range rec.header {
			resp.Headers[name] = strings.Join(values, ",")
		}
		return resp, nil
	}
}

// answer collects what a handler writes.
type answer struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(code int)        { a.code = code }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

func request(ctx context.Context, ev events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body := ev.Body
	if ev.IsBase64Encoded {
		raw, err := base64.StdEncoding.DecodeString(ev.Body)
		if err != nil {
			return nil, err
		}
		body = string(raw)
	}
	// RawPath is decoded already; a stage other than $default would stand before it.
	path := ev.RawPath
	if stage := ev.RequestContext.Stage; stage != "" && stage != "$default" {
		path = strings.TrimPrefix(path, "/"+stage)
	}
	target := url.URL{Path: path, RawQuery: ev.RawQueryString}
	req, err := http.NewRequestWithContext(ctx, ev.RequestContext.HTTP.Method, target.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range ev.Headers {
		req.Header.Set(name, value)
	}
	req.RemoteAddr = ev.RequestContext.HTTP.SourceIP
	return req, nil
}
