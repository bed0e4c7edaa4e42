package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"example.com/unbroken/internal/outputs"
)

// pageSize is the largest page that a region gives.
const pageSize = 100

// listing is what --json writes of a list. Complete is false where --limit cut it off.
type listing struct {
	Prefix   string           `json:"prefix"`
	Items    []outputs.Answer `json:"items"`
	Complete bool             `json:"complete"`
	Region   string           `json:"region"`
}

// list follows the pages. A page may come of another region than the one before: all have the same keys, and a cursor
// is a place among them.
func (c outputsCmd) list(ctx context.Context, g *globals, w *world, ask *asker) error {
	all := listing{Prefix: *c.Prefix, Items: []outputs.Answer{}}
	for cursor := ""; ; {
		q := url.Values{"prefix": {*c.Prefix}, "limit": {strconv.Itoa(min(pageSize, c.Limit-len(all.Items)))}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		page, told, err := get(ctx, ask, q, func(l outputs.List) bool { return l.Items != nil && l.Prefix == *c.Prefix })
		if err != nil {
			return err
		}
		all.Items, all.Region = append(all.Items, page.Items...), told.region
		all.Complete = page.Next == ""
		if all.Complete || len(all.Items) >= c.Limit || page.Next == cursor {
			break
		}
		cursor = page.Next
	}
	if g.JSON {
		return printJSON(w.Stdout, all)
	}
	t := newTable(w.Stdout)
	t.row("KEY", "AGE", "ORIGIN", "RULE", "VERSION")
	for _, o := range all.Items {
		t.row(line(o.Key), age(w.Now(), o.WrittenAt), line(o.Origin), line(o.RuleID), stem(o.Version))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if !all.Complete {
		_, _ = fmt.Fprintf(w.Stderr, "there are more than %s: raise --limit or narrow --prefix\n", plural(len(all.Items), "output"))
	}
	return nil
}
