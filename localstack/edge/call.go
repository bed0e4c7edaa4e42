package edge

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Outside is the Caller of a call that no function made.
const Outside = "outside"

// Call is one request as the edge sees it.
type Call struct {
	Region    string `json:"region"`             // where it goes; "" if nothing says
	Service   string `json:"service"`            // the signing name: sqs, dynamodb, execute-api, …
	Operation string `json:"operation"`          // SendMessage, PutItem, …; the HTTP method if nothing says
	Caller    string `json:"caller"`             // the region of the function that calls, or Outside
	Function  string `json:"function,omitempty"` // the name of the function that calls
}

// tokenPrefix starts the session token that functions get: unbroken/{region}/{function}.
// localstack/sitecustomize puts it there.
const tokenPrefix = "unbroken/"

// Token makes a session token with which calls come from caller and function.
func Token(caller, function string) string { return tokenPrefix + caller + "/" + function }

func (e *Edge) callOf(r *http.Request) Call {
	query := r.URL.Query()
	c := Call{Caller: Outside}
	c.Region, c.Service = scopeOf(r.Header.Get("Authorization"), query)
	c.Caller, c.Function = callerOf(r.Header.Get("X-Amz-Security-Token"), query)
	if id := apiIDOf(r); id != "" {
		c.Service = "execute-api"
		if c.Region == "" {
			c.Region = e.apis.regionOf(r.Context(), id)
		}
		c.Operation = r.Method
		return c
	}
	c.Operation = operationOf(r, query)
	return c
}

// scopeOf reads region and service from a SigV4 credential scope:
// {key}/{date}/{region}/{service}/aws4_request, in the header or in a presigned query.
func scopeOf(authorization string, query url.Values) (region, service string) {
	credential := ""
	if _, after, ok := strings.Cut(authorization, "Credential="); ok {
		credential, _, _ = strings.Cut(after, ",")
		credential, _, _ = strings.Cut(credential, " ")
	} else {
		credential = query.Get("X-Amz-Credential")
	}
	parts := strings.Split(credential, "/")
	// The key may itself hold slashes; the scope is the last four parts.
	if len(parts) < 5 || parts[len(parts)-1] != "aws4_request" {
		return "", ""
	}
	return parts[len(parts)-3], parts[len(parts)-2]
}

func callerOf(token string, query url.Values) (caller, function string) {
	if token == "" {
		token = query.Get("X-Amz-Security-Token")
	}
	rest, ok := strings.CutPrefix(token, tokenPrefix)
	if !ok {
		return Outside, ""
	}
	caller, function, _ = strings.Cut(rest, "/")
	return caller, function
}

// operationOf names the operation in whichever of AWS's protocols the call speaks: JSON
// (X-Amz-Target), RPC v2 CBOR (the path), query (Action). REST calls go by their method.
func operationOf(r *http.Request, query url.Values) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndexByte(target, '.')+1:]
	}
	if _, operation, ok := strings.Cut(r.URL.Path, "/operation/"); ok && strings.HasPrefix(r.URL.Path, "/service/") {
		return operation
	}
	if action := query.Get("Action"); action != "" {
		return action
	}
	if action := formAction(r); action != "" {
		return action
	}
	return r.Method
}

// formAction looks for Action in the first bytes of a form body and puts them back. SDKs
// write it first; a body without a length is not touched, because reading could block.
func formAction(r *http.Request) string {
	if r.Method != http.MethodPost || r.ContentLength <= 0 ||
		!strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return ""
	}
	head := make([]byte, min(r.ContentLength, 1024))
	n, _ := io.ReadFull(r.Body, head)
	head = head[:n]
	r.Body = body{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
	for pair := range strings.SplitSeq(string(head), "&") {
		if action, ok := strings.CutPrefix(pair, "Action="); ok {
			return action
		}
	}
	return ""
}

// body reads from one thing and closes another.
type body struct {
	io.Reader
	io.Closer
}

// apiIDOf finds the API in the three shapes of an execute-api address:
// {id}.execute-api.{host}, /_aws/execute-api/{id}/… and /restapis/{id}/{stage}/_user_request_/….
func apiIDOf(r *http.Request) string {
	if id, rest, ok := strings.Cut(r.Host, "."); ok && strings.HasPrefix(rest, "execute-api.") {
		return id
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/_aws/execute-api/"); ok {
		id, _, _ := strings.Cut(rest, "/")
		return id
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/restapis/"); ok && strings.Contains(rest, "/_user_request_") {
		id, _, _ := strings.Cut(rest, "/")
		return id
	}
	return ""
}
