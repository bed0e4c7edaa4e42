package ingest

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func ceHeaders(contentType string, more ...string) http.Header {
	h := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"shop/checkout"}, "Ce-Type": {"com.example.metric"}}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = append(h[more[i]], more[i+1])
	}
	return h
}

func TestBinaryTaken(t *testing.T) {
	t.Parallel()
	base := loop.Signal{ID: "1", Source: "shop/checkout", Type: "com.example.metric"}
	tests := map[string]struct {
		header http.Header
		body   string
		want   func(*loop.Signal)
	}{
		"no data": {ceHeaders(""), "", func(*loop.Signal) {}},
		"JSON": {ceHeaders("application/json; charset=utf-8"), ` {"a" : "<"} `, func(s *loop.Signal) {
			s.DataContentType, s.Data = "application/json; charset=utf-8", json.RawMessage(`{"a":"<"}`)
		}},
		"JSON is implied": {ceHeaders(""), `[1]`, func(s *loop.Signal) { s.Data = json.RawMessage(`[1]`) }},
		"text": {ceHeaders("text/plain"), "a\n\"b\"\ufffe", func(s *loop.Signal) {
			s.DataContentType, s.Data = "text/plain", json.RawMessage(`"a\n\"b\"\ufffe"`)
		}},
		"text in another charset": {ceHeaders("text/plain; charset=iso-8859-1"), "ab", func(s *loop.Signal) {
			s.DataContentType, s.DataBase64 = "text/plain; charset=iso-8859-1", "YWI="
		}},
		"text that is not UTF-8": {ceHeaders("text/plain"), "\xff", func(s *loop.Signal) { s.DataContentType, s.DataBase64 = "text/plain", "/w==" }},
		"bytes":                  {ceHeaders("image/png"), "\x01\x02", func(s *loop.Signal) { s.DataContentType, s.DataBase64 = "image/png", "AQI=" }},
		"percent-encoding": {ceHeaders("", "Ce-Subject", "Euro%20%E2%82%AC%20%f0%9f%98%80"), "", func(s *loop.Signal) {
			s.Subject = "Euro € 😀"
		}},
		"one round only": {ceHeaders("", "Ce-Subject", "100%2525"), "", func(s *loop.Signal) { s.Subject = "100%25" }},
		"quotes, then percent": {ceHeaders("", "Ce-Subject", ` "a\"b\\ %41" `), "", func(s *loop.Signal) {
			s.Subject = `a"b\ A`
		}},
		"extensions": {ceHeaders("", "Ce-Traceparent", "00-ab", "ce-n", "7"), "", func(s *loop.Signal) {
			s.Extensions = map[string]string{"traceparent": "00-ab", "n": "7"}
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := base
			tt.want(&want)
			got, err := parseBinary(tt.header, []byte(tt.body))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("got %#v, %v\nwant %#v", got, err, want)
			}
			same(t, got)
		})
	}
}

func TestBinaryRefused(t *testing.T) {
	t.Parallel()
	without := func(name string) http.Header { h := ceHeaders(""); delete(h, name); return h }
	tests := map[string]struct {
		header http.Header
		body   string
		code   loop.Code
		detail string
	}{
		"no specversion":       {without("Ce-Specversion"), "", loop.CodeInvalidEvent, "specversion is missing"},
		"specversion twice":    {ceHeaders("", "Ce-Specversion", "1.0"), "", loop.CodeInvalidEvent, "more than once"},
		"id in two cases":      {ceHeaders("", "ce-id", "1"), "", loop.CodeInvalidEvent, "more than once"},
		"no id":                {without("Ce-Id"), "", loop.CodeInvalidEvent, "id is missing"},
		"empty subject":        {ceHeaders("", "Ce-Subject", ""), "", loop.CodeInvalidEvent, "subject is empty"},
		"encoded line break":   {ceHeaders("", "Ce-Subject", "a%0D%0Ab"), "", loop.CodeInvalidEvent, "control character"},
		"overlong encoding":    {ceHeaders("", "Ce-Subject", "%C0%A0"), "", loop.CodeInvalidEvent, "not Unicode"},
		"bare percent":         {ceHeaders("", "Ce-Subject", "100%"), "", loop.CodeInvalidEvent, "percent-encoded"},
		"bad hex":              {ceHeaders("", "Ce-Subject", "%4x"), "", loop.CodeInvalidEvent, "percent-encoded"},
		"raw UTF-8":            {ceHeaders("", "Ce-Subject", "€"), "", loop.CodeInvalidEvent, "percent-encoded"},
		"raw line break":       {ceHeaders("", "Ce-Subject", "a\nb"), "", loop.CodeInvalidEvent, "percent-encoded"},
		"open quote":           {ceHeaders("", "Ce-Subject", `"a`), "", loop.CodeInvalidEvent, "percent-encoded"},
		"quoted at its end":    {ceHeaders("", "Ce-Subject", `"a\`), "", loop.CodeInvalidEvent, "percent-encoded"},
		"ce-datacontenttype":   {ceHeaders("", "Ce-Datacontenttype", "text/plain"), "", loop.CodeInvalidEvent, "Content-Type"},
		"ce-data":              {ceHeaders("", "Ce-Data", "1"), "", loop.CodeInvalidEvent, "data is not an attribute"},
		"ce-data_base64":       {ceHeaders("", "Ce-Data_base64", "AQI="), "", loop.CodeInvalidEvent, "lower-case"},
		"ce-":                  {ceHeaders("", "Ce-", "1"), "", loop.CodeInvalidEvent, "lower-case"},
		"reserved":             {ceHeaders("", "Ce-Type", "unbroken.effect.done"), "", loop.CodeInvalidEvent, "more than once"},
		"JSON that is none":    {ceHeaders("application/json"), "{", loop.CodeMalformed, "not JSON"},
		"JSON twice":           {ceHeaders("application/json"), "{} {}", loop.CodeMalformed, "after the end"},
		"duplicate key":        {ceHeaders("application/json"), `{"a":1,"a":2}`, loop.CodeMalformed, "duplicate"},
		"64 levels of data":    {ceHeaders("application/json"), nested(64), loop.CodeMalformed, "deeper"},
		"too large":            {ceHeaders("application/json"), `"` + strings.Repeat("x", loop.MaxSignalBytes) + `"`, loop.CodeTooLarge, "limit"},
		"mostly space":         {ceHeaders("application/json"), "1" + strings.Repeat(" ", loop.MaxSignalBytes), loop.CodeTooLarge, "limit"},
		"too large in base64":  {ceHeaders("image/png"), strings.Repeat("x", 200<<10), loop.CodeTooLarge, "limit"},
		"too large in headers": {ceHeaders("", "Ce-Note", strings.Repeat("x", loop.MaxSignalBytes)), "", loop.CodeTooLarge, "limit"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseBinary(tt.header, []byte(tt.body))
			if loop.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.detail) {
				t.Errorf("got %v; want %s with %q", err, tt.code, tt.detail)
			}
		})
	}
	h := ceHeaders("")
	h["Ce-Source"] = []string{"unbroken%3Acanary"}
	if _, err := parseBinary(h, nil); loop.CodeOf(err) != loop.CodeReserved {
		t.Errorf("a forged canary: %v", err)
	}
}
