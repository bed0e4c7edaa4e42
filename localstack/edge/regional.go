package edge

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
)

// regional answers as the custom domain of a region's HTTP API does: whatever the host name, the path goes to the API.
// Served on an address of its own it makes that address the region's, which DNS can answer: on one machine all regions
// share 127.0.0.1. Faults apply as everywhere.
func (e *Edge) regional(region string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := e.apis.only(r.Context(), region)
		if err != nil {
			e.log.WarnContext(r.Context(), "no API for a region's own address", slog.String("region", region), slog.Any("err", err))
			http.Error(w, "edge: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		inner := r.Clone(r.Context())
		const stage = "/$default"
		inner.URL.Path = "/_aws/execute-api/" + id + stage + r.URL.Path
		if r.URL.RawPath != "" {
			inner.URL.RawPath = "/_aws/execute-api/" + url.PathEscape(id) + stage + r.URL.RawPath
		}
		e.ServeHTTP(w, inner)
	})
}

// only finds the HTTP API of a region that has exactly one. It may be deployed later, but it stays.
func (o *owners) only(ctx context.Context, region string) (string, error) {
	o.mu.Lock()
	id, ok := o.single[region]
	o.mu.Unlock()
	if ok {
		return id, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.upstream.JoinPath("/v2/apis").String(), nil)
	if err != nil {
		return "", err
	}
	Scope(req.Header, region, "apigateway")
	res, err := o.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	var list struct {
		Items []struct {
			ID string `json:"apiId"`
		} `json:"items"`
	}
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
		return "", fmt.Errorf("the APIs of %s: %w", region, err)
	}
	if len(list.Items) != 1 {
		return "", fmt.Errorf("%s has %d HTTP APIs, and its own address stands for exactly one", region, len(list.Items))
	}
	o.mu.Lock()
	o.single[region] = list.Items[0].ID
	o.mu.Unlock()
	return list.Items[0].ID, nil
}
