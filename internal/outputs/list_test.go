package outputs_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/outputs"
)

// walk follows the cursors from a first page.
func walk(t *testing.T, w *world, target string) (keys []string, pages int) {
	t.Helper()
	for next := ""; ; pages++ {
		l := into[outputs.List](t, w.get(target+"&cursor="+url.QueryEscape(next)))
		for _, a := range l.Items {
			keys = append(keys, a.Key)
		}
		if l.Next == "" {
			return keys, pages + 1
		}
		if pages > 1000 {
			t.Fatal("the pages do not end")
		}
		next = l.Next
	}
}

func TestAListHasEveryKeyOfThePrefixOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []string
	for i := range 130 {
		key := fmt.Sprintf("shed/%03d ?%%ü", i)
		want = append(want, key)
		w.leave([]string{here, there}[i%2], key, 1, `1`)
	}
	w.leave(here, want[7], 2, `2`)
	w.leave(here, "page/1", 1, `1`)
	for limit, pages := range map[string]int{"": 3, "&limit=100": 2, "&limit=7": 19} {
		if keys, n := walk(t, w, "/v1/outputs?prefix=shed%2F"+limit); !slices.Equal(keys, want) || n != pages {
			t.Errorf("%q: %d keys in %d pages", limit, len(keys), n)
		}
	}
	if keys, _ := walk(t, w, "/v1/outputs?prefix="); len(keys) != 131 {
		t.Errorf("%d keys without a prefix", len(keys))
	}
}

func TestAListHoldsVersionsAndNoValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.leave(there, "k", 1, `1`)
	rec := w.get("/v1/outputs?prefix=k")
	o.Value = nil
	want := outputs.List{Prefix: "k", Items: []outputs.Answer{{Output: o, Version: o.Version()}}}
	if l := into[outputs.List](t, rec); !reflect.DeepEqual(l, want) {
		t.Errorf("got %+v, want %+v", l, want)
	}
	if rec.Header().Get("Unbroken-Region") != here || rec.Header().Get("ETag") != "" {
		t.Errorf("%v", rec.Header())
	}
}

func TestNoOutputsAreAnEmptyList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if body := w.get("/v1/outputs").Body.String(); body != `{"prefix":"","items":[]}` {
		t.Errorf("%s", body)
	}
}

func TestACursorThatIsNotOursIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for name, cursor := range map[string]string{
		"no base64": "***", "another form": encode("2:shed/a"), "no form": encode("shed/a"), "another prefix": encode("1:page/a"), "no text": encode("1:shed/\xff"),
	} {
		if detail := refused(t, w.get("/v1/outputs?prefix=shed/&cursor="+url.QueryEscape(cursor)), http.StatusBadRequest, loop.CodeInvalidQuery); detail == "" {
			t.Error(name)
		}
	}
	if w.reads() != 0 {
		t.Errorf("%d reads", w.reads())
	}
}
