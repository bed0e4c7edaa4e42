package rule

import (
	"encoding/json"

	"github.com/goccy/go-yaml/ast"

	"example.com/unbroken/internal/loop"
)

// unboundedSkew are the inputs whose time says when something began, and not when it was sent: Alertmanager repeats
// an alert for as long as it fires, and EventBridge tries for a day.
func unboundedSkew(in loop.Input) bool {
	return in.Kind == loop.KindAlarm || in.Kind == loop.KindPoll || in.Format == loop.FormatAlertmanager || in.Format == loop.FormatGrafana
}

func (d *decoder) input(n ast.Node, path string) loop.Input {
	in := loop.Input{Durability: loop.Mirrored, Policy: loop.PolicyAll, MaxSkew: defaultMaxSkew}
	bounded := false
	d.fields(n, path, known{
		"kind":         d.text(&in.Kind),
		"durability":   d.text(&in.Durability),
		"policy":       d.text(&in.Policy),
		"archive":      d.flag(&in.Archive),
		"format":       d.text(&in.Format),
		"source":       d.text(&in.Source),
		"map":          d.mapping(&in.Map),
		"schema":       d.schema(&in.Schema),
		"expect_every": d.duration(&in.ExpectEvery),
		"expect_in":    d.text(&in.ExpectIn),
		"standby":      d.text(&in.Standby),
		"auth":         d.text(&in.Auth),
		"credentials":  d.credentials(&in.Credentials),
		"sources":      d.texts(&in.Sources),
		"every":        d.duration(&in.Every),
		"url":          d.text(&in.URL),
		"secret":       d.text(&in.Secret),
		"metrics":      d.metrics(&in.Metrics),
		"topics":       d.texts(&in.Topics),
		"quota": func(n ast.Node, path string) {
			d.fields(n, path, known{"per_second": d.integer(&in.Quota.PerSecond), "burst": d.integer(&in.Quota.Burst)})
			if in.Quota.PerSecond <= 0 || in.Quota.Burst < 0 {
				d.fail(path, "such as {per_second: 100, burst: 500}", "per_second must be at least 1")
			}
			if in.Quota.Burst == 0 {
				in.Quota.Burst = in.Quota.PerSecond
			}
		},
		"max_skew": func(n ast.Node, path string) {
			bounded = true
			if n.GetToken().Value == "none" {
				in.MaxSkew = 0
				return
			}
			d.duration(&in.MaxSkew)(n, path)
			if in.MaxSkew == 0 {
				d.fail(path, "write `none` for no bound", "must be more than 0")
			}
		},
	})
	if !bounded && unboundedSkew(in) {
		in.MaxSkew = 0
	}
	if in.Kind == loop.KindPoll && in.Every == 0 {
		in.Every = defaultEvery
	}
	if in.ExpectEvery > 0 {
		in.ExpectIn = orElse(in.ExpectIn, loop.ExpectAny)
	}
	if in.Kind == loop.KindHTTP {
		in.Format = orElse(in.Format, loop.FormatCloudEvents)
		in.Auth = orElse(in.Auth, loop.AuthIAM)
	}
	return in
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (d *decoder) mapping(m *loop.Mapping) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		d.fields(n, path, known{
			"id": d.text(&m.ID), "source": d.text(&m.Source), "type": d.text(&m.Type),
			"subject": d.text(&m.Subject), "time": d.text(&m.Time), "data": d.text(&m.Data),
		})
	}
}

// schema reads a JSON schema as it stands; whether it is one is for a Schemas to say.
func (d *decoder) schema(into *json.RawMessage) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		if _, ok := n.(ast.MapNode); !ok {
			d.fail(path, "such as {type: object, required: [celsius]}", "must be a map, not %s", kind(n))
			return
		}
		*into, _ = json.Marshal(d.value(n, path)) // YAML that is JSON always encodes
	}
}

func (d *decoder) credentials(into *[]loop.Credential) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		d.list(n, path, func(n ast.Node, path string) {
			var c loop.Credential
			d.fields(n, path, known{"principal": d.text(&c.Principal), "secrets": d.texts(&c.Secrets), "sources": d.texts(&c.Sources)})
			*into = append(*into, c)
		})
	}
}
