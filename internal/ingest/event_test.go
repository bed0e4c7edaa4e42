package ingest

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

func TestParseEventTakesAllOfIt(t *testing.T) {
	t.Parallel()
	got, err := ParseEvent([]byte(` {"specversion":"1.0","id":"a\u00e9 \"1\"","source":"shop/checkout?a=1&b=2","type":"com.example.metric",
		"subject":"checkout","time":"2026-03-04t13:00:00.5+01:00","dataschema":"https://example.com/s","datacontenttype":"application/vnd.x+json; charset=utf-8",
		"text":"t","flag":true,"count":-7,"unset":null,"data":{ "rate": 0.07, "note": "a<b" }} `))
	if err != nil {
		t.Fatal(err)
	}
	want := loop.Signal{
		ID: `aé "1"`, Source: "shop/checkout?a=1&b=2", Type: "com.example.metric", Subject: "checkout",
		Time: time.Date(2026, 3, 4, 12, 0, 0, 500_000_000, time.UTC), DataSchema: "https://example.com/s",
		DataContentType: "application/vnd.x+json; charset=utf-8", Data: json.RawMessage(`{"rate":0.07,"note":"a<b"}`),
		Extensions: map[string]string{"text": "t", "flag": "true", "count": "-7"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
}

func TestParseEventTaken(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"only what is required":    event("1"),
		"null data is data":        event("1", `"data":null`),
		"any JSON is data":         event("1", `"data":[1,"x",{}]`),
		"text data":                event("1", `"datacontenttype":"text/plain"`, `"data":"hi"`),
		"binary data":              event("1", `"datacontenttype":"image/png"`, `"data_base64":"AQI="`),
		"empty binary data":        event("1", `"data_base64":""`),
		"data_base64 unset":        event("1", `"data_base64":null`, `"data":1`),
		"spaces in a source":       event("1", `"subject":"two words"`),
		"empty extension":          event("1", `"note":""`),
		"greatest integer":         event("1", `"n":2147483647`),
		"year 1, after its start":  event("1", `"time":"0001-01-01T00:00:01Z"`),
		"a source like our own":    strings.Replace(event("1"), "shop/checkout", "unbroken", 1),
		"64 levels with the event": event("1", `"data":`+nested(63)),
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			roundTrip(t, []byte(in))
		})
	}
}

// roundTrip fails unless the event is taken and is the same again after its journey.
func roundTrip(t *testing.T, in []byte) {
	t.Helper()
	first, err := ParseEvent(in)
	if err != nil {
		t.Fatal(err)
	}
	same(t, first)
}

func same(t *testing.T, first loop.Signal) {
	t.Helper()
	out, err := first.MarshalJSON()
	if err != nil {
		t.Fatalf("accepted but cannot be written: %v", err)
	}
	second, err := ParseEvent(out)
	if err != nil {
		t.Fatalf("accepted once, refused again: %v\n%q", err, out)
	}
	if !reflect.DeepEqual(first, second) {
		t.Fatalf("changed on the way:\n%#v\n%#v", first, second)
	}
	body, err := loop.Encode(loop.Item{Signal: out})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range string(body) {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			t.Fatalf("SQS would replace %U in %q", r, body)
		}
	}
}

func TestParseEventRefused(t *testing.T) {
	t.Parallel()
	without := func(name string) string {
		var m map[string]any
		_ = json.Unmarshal([]byte(event("1")), &m)
		delete(m, name)
		b, _ := json.Marshal(m)
		return string(b)
	}
	instead := func(old, new string) string { return strings.Replace(event("1"), old, new, 1) }
	tests := map[string]struct {
		in     string
		code   loop.Code
		detail string
	}{
		"empty":                    {"", loop.CodeMalformed, "empty"},
		"only space":               {" \n", loop.CodeMalformed, "empty"},
		"an array":                 {batchOf(event("1")), loop.CodeMalformed, "JSON object"},
		"a string":                 {`"x"`, loop.CodeMalformed, "JSON object"},
		"trailing data":            {event("1") + "x", loop.CodeMalformed, "after the end"},
		"duplicate id":             {event("1", `"id":"2"`), loop.CodeMalformed, "duplicate"},
		"data too deep":            {event("1", `"data":`+nested(64)), loop.CodeMalformed, "deeper"},
		"no specversion":           {without("specversion"), loop.CodeInvalidEvent, "specversion is missing"},
		"specversion 0.3":          {instead(`"1.0"`, `"0.3"`), loop.CodeInvalidEvent, `specversion "0.3" is not supported`},
		"specversion 2.0":          {instead(`"1.0"`, `"2.0"`), loop.CodeInvalidEvent, `specversion "2.0" is not supported`},
		"specversion 1.0.2":        {instead(`"1.0"`, `"1.0.2"`), loop.CodeInvalidEvent, "not supported"},
		"specversion is a number":  {instead(`"1.0"`, `1.0`), loop.CodeInvalidEvent, "specversion is missing"},
		"version before the rest":  {`{"specversion":"0.3","schemaURL":7}`, loop.CodeInvalidEvent, "0.3"},
		"no id":                    {without("id"), loop.CodeInvalidEvent, "id is missing"},
		"no source":                {without("source"), loop.CodeInvalidEvent, "source is missing"},
		"no type":                  {without("type"), loop.CodeInvalidEvent, "type is missing"},
		"null id":                  {instead(`"id":"1"`, `"id":null`), loop.CodeInvalidEvent, "id is missing"},
		"empty id":                 {event(""), loop.CodeInvalidEvent, "id is empty"},
		"empty source":             {instead(`"shop/checkout"`, `""`), loop.CodeInvalidEvent, "source is empty"},
		"empty type":               {instead(`"com.example.metric"`, `""`), loop.CodeInvalidEvent, "type is empty"},
		"empty subject":            {event("1", `"subject":""`), loop.CodeInvalidEvent, "subject is empty"},
		"id is a number":           {instead(`"id":"1"`, `"id":1`), loop.CodeInvalidEvent, "id must be a string"},
		"id with a control":        {event(`\u0000`), loop.CodeInvalidEvent, "control character"},
		"id with a line break":     {event(`a\r\nb`), loop.CodeInvalidEvent, "control character"},
		"id with C1 control":       {event(`\u0085`), loop.CodeInvalidEvent, "control character"},
		"id with a noncharacter":   {event(`\ufdd0`), loop.CodeInvalidEvent, "control character"},
		"id with U+1FFFE":          {event("\U0001fffe"), loop.CodeInvalidEvent, "control character"},
		"subject is an object":     {event("1", `"subject":{}`), loop.CodeInvalidEvent, "subject must be a string"},
		"time is a word":           {event("1", `"time":"now"`), loop.CodeInvalidEvent, "RFC 3339"},
		"time without zone":        {event("1", `"time":"2026-03-04T12:00:00"`), loop.CodeInvalidEvent, "RFC 3339"},
		"hour of one digit":        {event("1", `"time":"2026-03-04T1:00:00Z"`), loop.CodeInvalidEvent, "RFC 3339"},
		"comma in time":            {event("1", `"time":"2026-03-04T12:00:00,5Z"`), loop.CodeInvalidEvent, "RFC 3339"},
		"offset of 24 hours":       {event("1", `"time":"2026-03-04T12:00:00+24:00"`), loop.CodeInvalidEvent, "RFC 3339"},
		"offset of 60 minutes":     {event("1", `"time":"2026-03-04T12:00:00+00:60"`), loop.CodeInvalidEvent, "RFC 3339"},
		"30 February":              {event("1", `"time":"2026-02-30T12:00:00Z"`), loop.CodeInvalidEvent, "RFC 3339"},
		"time is a number":         {event("1", `"time":1772625600`), loop.CodeInvalidEvent, "time must be a string"},
		"year 10000 in UTC":        {event("1", `"time":"9999-12-31T23:59:59-01:00"`), loop.CodeInvalidEvent, "years"},
		"year 0":                   {event("1", `"time":"0000-06-01T00:00:00Z"`), loop.CodeInvalidEvent, "years"},
		"Go's zero time":           {event("1", `"time":"0001-01-01T00:00:00Z"`), loop.CodeInvalidEvent, "years"},
		"content type is a word":   {event("1", `"datacontenttype":"json"`), loop.CodeInvalidEvent, "media type"},
		"content type is broken":   {event("1", `"datacontenttype":"text/plain; a"`), loop.CodeInvalidEvent, "media type"},
		"object as text":           {event("1", `"datacontenttype":"text/plain"`, `"data":{}`), loop.CodeInvalidEvent, "data must be a string"},
		"null as text":             {event("1", `"datacontenttype":"text/json5"`, `"data":null`), loop.CodeInvalidEvent, "data must be a string"},
		"data twice":               {event("1", `"data":1`, `"data_base64":"AQI="`), loop.CodeInvalidEvent, "exclude"},
		"data twice, one empty":    {event("1", `"data":1`, `"data_base64":""`), loop.CodeInvalidEvent, "exclude"},
		"not base64":               {event("1", `"data_base64":"A?=="`), loop.CodeInvalidEvent, "base64"},
		"base64 without padding":   {event("1", `"data_base64":"AQI"`), loop.CodeInvalidEvent, "base64"},
		"base64 with loose bits":   {event("1", `"data_base64":"AQJ="`), loop.CodeInvalidEvent, "base64"},
		"base64 with line break":   {event("1", `"data_base64":"AQ\r\nI="`), loop.CodeInvalidEvent, "base64"},
		"base64 is a number":       {event("1", `"data_base64":1`), loop.CodeInvalidEvent, "data_base64 must be a string"},
		"upper-case name":          {event("1", `"traceParent":"x"`), loop.CodeInvalidEvent, "lower-case"},
		"name with underscore":     {event("1", `"trace_parent":"x"`), loop.CodeInvalidEvent, "lower-case"},
		"empty name":               {event("1", `"":"x"`), loop.CodeInvalidEvent, "lower-case"},
		"name with line break":     {event("1", `"a\nb":"x"`), loop.CodeInvalidEvent, `"a?b"`},
		"extension is a list":      {event("1", `"tags":["a"]`), loop.CodeInvalidEvent, "extension attribute"},
		"extension is a fraction":  {event("1", `"n":1.5`), loop.CodeInvalidEvent, "whole number"},
		"extension has exponent":   {event("1", `"n":1e3`), loop.CodeInvalidEvent, "whole number"},
		"extension beyond 32 bits": {event("1", `"n":2147483648`), loop.CodeInvalidEvent, "whole number"},
		"extension with a control": {event("1", `"note":"a\u001bb"`), loop.CodeInvalidEvent, "control character"},
		"a forged canary":          {instead("shop/checkout", "unbroken:canary"), loop.CodeReserved, "belong to the loop"},
		"a forged canary, shouted": {instead("shop/checkout", "UNBROKEN:canary"), loop.CodeReserved, "belong to the loop"},
		"a canary's type alone":    {instead("com.example.metric", "unbroken.canary"), loop.CodeReserved, "belong to the loop"},
		"a forged outcome":         {instead("com.example.metric", "unbroken.effect.done"), loop.CodeReserved, "belong to the loop"},
		"a forged stall":           {instead("com.example.metric", "unbroken.input.stalled"), loop.CodeReserved, "belong to the loop"},
		"a forged finding":         {instead("com.example.metric", "unbroken.health.drained"), loop.CodeReserved, "belong to the loop"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseEvent([]byte(tt.in))
			if loop.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.detail) {
				t.Errorf("got %v; want %s with %q", err, tt.code, tt.detail)
			}
		})
	}
}

// TestWhatWasParsedStays: what reads one event reads the next one with the same memory.
func TestWhatWasParsedStays(t *testing.T) {
	t.Parallel()
	first, err := ParseEvent([]byte(event("first", `"data":{"a":"first"}`)))
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := ParseEvent([]byte(event("other", `"data":{"b":"other"}`))); err != nil {
			t.Fatal(err)
		}
		_, _ = ParseEvent([]byte(`{"data":{"c":{"d":[{"x`)) // breaks off
	}
	if first.ID != "first" || string(first.Data) != `{"a":"first"}` {
		t.Errorf("%+v", first)
	}
}

func TestParseEventAt256KiB(t *testing.T) {
	t.Parallel()
	for n, code := range map[int]loop.Code{loop.MaxSignalBytes - 1: "", loop.MaxSignalBytes: "", loop.MaxSignalBytes + 1: loop.CodeTooLarge} {
		if _, err := ParseEvent([]byte(sized(t, "1", n))); loop.CodeOf(err) != code {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	// Space counts as long as it is not read: the limit is also what bounds the work.
	if _, err := ParseEvent([]byte(event("1") + strings.Repeat(" ", loop.MaxSignalBytes))); loop.CodeOf(err) != loop.CodeTooLarge {
		t.Errorf("mostly space: %v", err)
	}
	// Small as sent, too large in the form in which it travels.
	if _, err := ParseEvent([]byte(event("1", `"data":"`+strings.Repeat("\u2028", 80<<10)+`"`))); loop.CodeOf(err) != loop.CodeTooLarge {
		t.Errorf("escapes made it too large: %v", err)
	}
	if _, err := ParseEvent([]byte(event("1", `"subject":"`+strings.Repeat("\u2028", 80<<10)+`"`))); loop.CodeOf(err) != loop.CodeTooLarge {
		t.Errorf("escapes made it too large: %v", err)
	}
}

// A refusal names places, never what stands there: it ends up in logs.
func TestRefusalsKeepSecrets(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		`{"token":"hunter2"`, `{"hunter2":1,"hunter2":2}`, event("1", `"token":["hunter2"]`), event("1", `"time":"hunter2"`),
		event("1", `"data":hunter2`), event("1", `"data_base64":"hunter2"`), event("1", `"datacontenttype":"hunter2"`), `"hunter2"`,
	} {
		if _, err := ParseEvent([]byte(in)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	for _, s := range []string{
		event("1"), event("1", `"data":{"a":[1,"<\u2028"]}`, `"time":"2026-03-04T12:00:00.123456789+01:00"`, `"n":-0`, `"b":true`),
		event("1", `"datacontenttype":"text/plain"`, `"data":"\ufffe\u0000"`), event("1", `"data_base64":"AQI="`), event(`\ud83d\ude00&`),
		event("1", "\"data\":\"\ufffe\""),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := ParseEvent(raw)
		if err != nil {
			if loop.CodeOf(err) == "" {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		if s.ID == "" || s.Source == "" || s.Type == "" || s.Own() {
			t.Fatalf("accepted %#v", s)
		}
		same(t, s)
		if events, err := parseBatch([]byte("[" + string(raw) + "]")); err != nil || len(events) != 1 || !reflect.DeepEqual(events[0].signal, s) {
			t.Fatalf("another signal in a batch: %v, %#v", err, events)
		}
	})
}
