package edge

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestScopeOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header, query   string
		region, service string
	}{
		"header": {
			header: "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-west-2/sqs/aws4_request, SignedHeaders=host, Signature=0",
			region: "us-west-2", service: "sqs",
		},
		"header without spaces":     {header: "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/dynamodb/aws4_request,SignedHeaders=host", region: "eu-west-1", service: "dynamodb"},
		"key with slashes":          {header: "AWS4-HMAC-SHA256 Credential=a/b/20260101/us-east-1/s3/aws4_request, Signature=0", region: "us-east-1", service: "s3"},
		"presigned":                 {query: "X-Amz-Credential=AKID%2F20260101%2Fus-east-2%2Fs3%2Faws4_request", region: "us-east-2", service: "s3"},
		"nothing":                   {},
		"another scheme":            {header: "Bearer token"},
		"too short":                 {header: "AWS4-HMAC-SHA256 Credential=us-east-1/s3/aws4_request"},
		"not a request's scope":     {header: "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/other"},
		"a credential of one slash": {query: "X-Amz-Credential=%2F"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query, err := url.ParseQuery(tc.query)
			if err != nil {
				t.Fatal(err)
			}
			region, service := scopeOf(tc.header, query)
			if region != tc.region || service != tc.service {
				t.Errorf("got %q %q, want %q %q", region, service, tc.region, tc.service)
			}
		})
	}
}

func TestCallerIsReadFromTheTokenOfFunctions(t *testing.T) {
	t.Parallel()
	for token, want := range map[string][2]string{
		"unbroken/us-west-2/decide": {"us-west-2", "decide"},
		"unbroken/us-west-2":        {"us-west-2", ""},
		"":                          {Outside, ""},
		"FwoGZXIvYXdzEBYaD":         {Outside, ""},
	} {
		caller, function := callerOf(token, nil)
		if got := [2]string{caller, function}; got != want {
			t.Errorf("token %q: got %v, want %v", token, got, want)
		}
	}
	if caller, _ := callerOf("", url.Values{"X-Amz-Security-Token": {"unbroken/eu-west-1/f"}}); caller != "eu-west-1" {
		t.Errorf("presigned: got %q", caller)
	}
}

func TestOperationOfEachProtocol(t *testing.T) {
	t.Parallel()
	post := func(path, body string, header ...string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return r
	}
	const form = "application/x-www-form-urlencoded; charset=utf-8"
	for want, r := range map[string]*http.Request{
		"PutItem":        post("/", "{}", "X-Amz-Target", "DynamoDB_20120810.PutItem"),
		"PutMetricData":  post("/service/GraniteServiceVersion20100801/operation/PutMetricData", ""),
		"Publish":        post("/", "Action=Publish&Version=2010-03-31", "Content-Type", form),
		"DescribeStacks": post("/", "Version=2010-05-15&Action=DescribeStacks", "Content-Type", form),
		"ListQueues":     httptest.NewRequest(http.MethodGet, "/?Action=ListQueues", nil),
		"DELETE":         httptest.NewRequest(http.MethodDelete, "/2015-03-31/functions/f", nil),
		"POST":           post("/2015-03-31/functions/f/invocations", "{}"),
	} {
		if got := operationOf(r, r.URL.Query()); got != want {
			t.Errorf("%s %s: got %q, want %q", r.Method, r.URL, got, want)
		}
	}
}

func TestReadingTheActionLeavesTheBodyWhole(t *testing.T) {
	t.Parallel()
	want := "Action=PutRecord&Data=" + strings.Repeat("x", 10_000)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(want))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got := formAction(r); got != "PutRecord" {
		t.Errorf("action %q", got)
	}
	got, err := io.ReadAll(r.Body)
	if err != nil || string(got) != want {
		t.Errorf("the body became %d bytes (%v), want %d", len(got), err, len(want))
	}
}

func TestAPIIDOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://127.0.0.1:4566/_aws/execute-api/abc123/$default/v1/health":     "abc123",
		"http://127.0.0.1:4566/_aws/execute-api/abc123":                        "abc123",
		"http://abc123.execute-api.127.0.0.1:4566/v1/health":                   "abc123",
		"http://abc123.execute-api.us-west-2.amazonaws.com/v1/health":          "abc123",
		"http://127.0.0.1:4566/restapis/abc123/prod/_user_request_/v1/signals": "abc123",
		"http://127.0.0.1:4566/restapis/abc123":                                "", // the control plane, signed
		"http://127.0.0.1:4566/":                                               "",
	} {
		if got := apiIDOf(httptest.NewRequest(http.MethodGet, address, nil)); got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
}

func FuzzScopeOf(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKID/20260101/us-west-2/sqs/aws4_request, Signature=0", "")
	f.Add("Credential=", "////aws4_request")
	f.Fuzz(func(t *testing.T, header, credential string) {
		region, service := scopeOf(header, url.Values{"X-Amz-Credential": {credential}})
		if strings.Contains(region, "/") || strings.Contains(service, "/") {
			t.Errorf("a slash in %q %q", region, service)
		}
	})
}
