// Package events holds the project's own example signals and the JSON Schemas of its formats. The examples are
// sent by `make run`; a test keeps them valid.
package events

import "embed"

// FS holds examples/*.json, in the order in which they tell their story, and schemas/*.json.
//
//go:embed examples/*.json schemas/*.json
var FS embed.FS
