package edge

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// DefaultRegions are asked for the owner of an API when Options name none.
var DefaultRegions = []string{"us-east-1", "us-east-2", "us-west-2", "us-west-1", "eu-west-1", "eu-central-1"}

// owners knows which region an HTTP or REST API stands in. Calls to an API need no signature,
// so nothing in them says it. The emulator does: an API is only found in its own region.
type owners struct {
	upstream *url.URL
	regions  []string
	client   *http.Client
	mu       sync.Mutex
	known    map[string]string // API id -> region
	single   map[string]string // region -> the id of its only HTTP API
}

func newOwners(upstream *url.URL, regions []string, transport http.RoundTripper) *owners {
	if len(regions) == 0 {
		regions = DefaultRegions
	}
	return &owners{
		upstream: upstream,
		regions:  slices.Clone(regions),
		client:   &http.Client{Transport: transport, Timeout: 5 * time.Second},
		known:    map[string]string{},
		single:   map[string]string{},
	}
}

// regionOf returns "" for an API that no region knows. Only finds are kept: an API may be
// created a moment later, but it never moves.
func (o *owners) regionOf(ctx context.Context, id string) string {
	o.mu.Lock()
	region, ok := o.known[id]
	o.mu.Unlock()
	if ok {
		return region
	}
	for _, region := range o.regions {
		if o.has(ctx, region, "/v2/apis/"+url.PathEscape(id)) || o.has(ctx, region, "/restapis/"+url.PathEscape(id)) {
			o.mu.Lock()
			o.known[id] = region
			o.mu.Unlock()
			return region
		}
	}
	return ""
}

func (o *owners) has(ctx context.Context, region, path string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.upstream.JoinPath(path).String(), nil) //nolint:gosec // the emulator's own address; the id in the path is escaped
	if err != nil {
		return false
	}
	Scope(req.Header, region, "apigateway")
	res, err := o.client.Do(req) //nolint:gosec // as above
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// Scope makes a request one for a service of a region, as far as the edge and the emulator
// care: they read the credential scope and check no signature.
func Scope(h http.Header, region, service string) {
	h.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/"+region+"/"+service+
		"/aws4_request, SignedHeaders=host, Signature=0")
}
