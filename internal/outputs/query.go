package outputs

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"example.com/unbroken/internal/loop"
)

// query reads the query and refuses what is not known or stands there twice: a misspelt parameter that is ignored
// is an answer to another question.
func query(r *http.Request, known ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, loop.Refuse(loop.CodeInvalidQuery, "the query cannot be read: encode it as a URL's")
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		values := q[name]
		if !slices.Contains(known, name) {
			return nil, loop.Refuse(loop.CodeInvalidQuery, "%s: there is no such parameter here; there is %s", strconv.Quote(name), strings.Join(known, ", "))
		}
		if len(values) > 1 {
			return nil, loop.Refuse(loop.CodeInvalidQuery, "%s: given %d times", name, len(values))
		}
	}
	return q, nil
}

// number reads a count from 1 to most; fallback where it is not given.
func number(q url.Values, name string, fallback, most int) (int, error) {
	if !q.Has(name) {
		return fallback, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 1 || n > most {
		return 0, loop.Refuse(loop.CodeInvalidQuery, "%s: give a number from 1 to %d", name, most)
	}
	return n, nil
}
