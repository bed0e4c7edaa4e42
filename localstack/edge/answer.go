package edge

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"strings"
)

const refusal = "refused by a fault of the edge"

// refuse answers an AWS error in the shape of the protocol the call speaks, so that SDKs
// read the code and decide about a retry as they would for the real one.
func refuse(w http.ResponseWriter, r *http.Request, c Call, f Fault) {
	status, code := f.Status, f.Code
	if status == 0 {
		status = http.StatusServiceUnavailable
	}
	if code == "" {
		code = "ServiceUnavailable"
	}
	h := w.Header()
	h.Set("X-Amzn-Requestid", "00000000-0000-0000-0000-000000000000")
	h.Set("X-Amzn-Errortype", code)
	if status == http.StatusTooManyRequests {
		h.Set("Retry-After", "1")
	}
	var text []byte
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		h.Set("Smithy-Protocol", "rpc-v2-cbor")
		h.Set("Content-Type", "application/cbor")
		text = cborError(code)
	case isXML(r, c):
		h.Set("Content-Type", "text/xml")
		text = xmlError(c, status, code)
	default:
		h.Set("Content-Type", "application/x-amz-json-1.0")
		// A map of strings always marshals.
		text, _ = json.Marshal(map[string]string{"__type": code, "message": refusal})
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text)
	}
}

// isXML tells the query and REST-XML protocols from the JSON ones: by the form body, the
// Action, or a service that speaks nothing else.
func isXML(r *http.Request, c Call) bool {
	return c.Service == "s3" || c.Service == "route53" || c.Service == "cloudfront" ||
		r.URL.Query().Has("Action") ||
		r.Header.Get("X-Amz-Target") == "" && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

type awsError struct {
	Type    string `xml:"Type,omitempty"`
	Code    string `xml:"Code"`
	Message string `xml:"Message"`
}

func xmlError(c Call, status int, code string) []byte {
	inner := awsError{Code: code, Message: refusal}
	var doc any
	if c.Service == "s3" {
		doc = struct {
			XMLName xml.Name `xml:"Error"`
			awsError
		}{awsError: inner}
	} else {
		inner.Type = "Sender"
		if status >= 500 {
			inner.Type = "Receiver"
		}
		doc = struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Error     awsError `xml:"Error"`
			RequestID string   `xml:"RequestId"`
		}{Error: inner, RequestID: "0"}
	}
	text, _ := xml.Marshal(doc) // plain structs of strings always marshal
	return append([]byte(xml.Header), text...)
}

// cborError is the map {"__type": code, "message": refusal}; RFC 8949, section 3.
func cborError(code string) []byte {
	out := []byte{0xa2}
	for _, s := range []string{"__type", code, "message", refusal} {
		s = s[:min(len(s), 255)]
		if len(s) < 24 {
			out = append(out, 0x60|byte(len(s))) //nolint:gosec // below 24
		} else {
			out = append(out, 0x78, byte(len(s))) //nolint:gosec // at most 255
		}
		out = append(out, s...)
	}
	return out
}

// hang keeps the client waiting until it gives up or the fault is lifted. The body has to be
// read first: only then does the server notice that a client has left.
func hang(r *http.Request, lifted <-chan struct{}) {
	_, _ = io.Copy(io.Discard, r.Body)
	select {
	case <-r.Context().Done():
	case <-lifted:
	}
}

// void is where a lost answer goes.
type void struct{ header http.Header }

func newVoid() *void { return &void{http.Header{}} }

func (v *void) Header() http.Header         { return v.header }
func (v *void) Write(p []byte) (int, error) { return len(p), nil }
func (v *void) WriteHeader(int)             {}
func (v *void) Flush()                      {}
