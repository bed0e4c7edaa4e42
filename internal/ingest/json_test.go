package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func TestJSONTaken(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want string }{
		"space goes":              {" {\"a\" :\t[ 1 ,\r\n2 ] } ", `{"a":[1,2]}`},
		"empty values":            {`[{ },[ ],"",null,true,false]`, `[{},[],"",null,true,false]`},
		"numbers stay":            {`[0,-0,1.50,1e308,-1E+2,0.1e-400,12345678901234567890]`, `[0,-0,1.50,1e308,-1E+2,0.1e-400,12345678901234567890]`},
		"SQS spoils U+FFFE":       {"\"a\ufffeb\uffff\"", `"a\ufffeb\uffff"`},
		"SQS takes these":         {"\"\u007f\u0085\ud7ff\ue000\ufffd\U0001f600\U0010ffff\"", "\"\u007f\u0085\ud7ff\ue000\ufffd\U0001f600\U0010ffff\""},
		"the envelope's escapes":  {"\"<a>&\u2028\u2029\"", `"<a>&\u2028\u2029"`},
		"escapes stay":            {`"\u0000\n\\\/\u003C\ud83d\ude00"`, `"\u0000\n\\\/\u003C\ud83d\ude00"`},
		"same key, other objects": {`[{"a":{"a":1}},{"a":2}]`, `[{"a":{"a":1}},{"a":2}]`},
		"64 levels":               {nested(64), nested(64)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := canonical([]byte(tt.in), 0)
			if err != nil || string(got) != tt.want {
				t.Fatalf("got %s, %v; want %s", got, err, tt.want)
			}
			if again, err := canonical(got, 0); err != nil || string(again) != string(got) {
				t.Errorf("not stable: %s, %v", again, err)
			}
			if std, err := loop.Marshal(json.RawMessage(got)); err != nil || string(std) != string(got) {
				t.Errorf("encoding/json writes it differently: %s, %v", std, err)
			}
		})
	}
}

func TestJSONRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, detail string }{
		"nothing":                  {" ", "ends too early"},
		"truncated":                {`{"a":[1`, "ends too early"},
		"truncated in a string":    {`"abc`, "ends too early"},
		"truncated in an escape":   {`"\u12`, "ends too early"},
		"truncated in a word":      {`tru`, "expected a value"},
		"byte order mark":          {"\ufeff{}", "byte order mark"},
		"trailing data":            {`{} {}`, "after the end"},
		"trailing comma":           {`[1,]`, "expected a value"},
		"trailing comma in object": {`{"a":1,}`, "expected a name"},
		"missing comma":            {`[1 2]`, "expected a comma"},
		"missing colon":            {`{"a" 1}`, "expected a colon"},
		"wrong bracket":            {`[1}`, "expected a comma or"},
		"bare name":                {`{a:1}`, "expected a name"},
		"NaN":                      {`{"a":NaN}`, "expected a value"},
		"Infinity":                 {`[-Infinity]`, "expected a digit"},
		"plus":                     {`[+1]`, "expected a value"},
		"leading zero":             {`[01]`, "expected a comma"},
		"no digit after the point": {`[1.]`, "decimal point"},
		"no digit in exponent":     {`[1e]`, "exponent"},
		"beyond float64":           {`{"a":1e400}`, "does not fit"},
		"beyond float64, plainly":  {`[` + strings.Repeat("9", 400) + `]`, "does not fit"},
		"invalid UTF-8":            {"\"\xff\"", "UTF-8"},
		"overlong UTF-8":           {"\"\xc0\xa0\"", "UTF-8"},
		"surrogate in UTF-8":       {"\"\xed\xa0\x80\"", "UTF-8"},
		"UTF-8 outside a string":   {"[\u00e9]", "expected a value"},
		"raw control character":    {"\"a\nb\"", "control character"},
		"raw NUL":                  {"\"a\x00b\"", "control character"},
		"NUL as space":             {"[\x00]", "expected a value"},
		"unknown escape":           {`"\x41"`, "escape"},
		"bad hex":                  {`"\u12g4"`, "hexadecimal"},
		"half a surrogate pair":    {`"\ud800"`, "surrogate"},
		"low half first":           {`"\ude00\ud83d"`, "surrogate"},
		"two high halves":          {`"\ud83d\ud83d\ude00"`, "surrogate"},
		"duplicate key":            {`{"a":1,"a":2}`, "duplicate key"},
		"duplicate key, deep":      {`[{"x":[{"a":1,"b":0,"a":2}]}]`, "duplicate key"},
		"duplicate key, escaped":   {`{"a":1,"\u0061":2}`, "duplicate key"},
		"duplicate after a child":  {`{"a":{"a":1},"a":2}`, "duplicate key"},
		"65 levels":                {nested(65), "deeper than 64"},
		"a million levels":         {strings.Repeat("[", 1<<20), "ends too early"},
		"half a million, closed":   {nested(1 << 19), "deeper than 64"},
		"65 levels of objects":     {strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), "deeper than 64"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := canonical([]byte(tt.in), 0)
			if loop.CodeOf(err) != loop.CodeMalformed || !strings.Contains(err.Error(), tt.detail) {
				t.Errorf("got %v; want malformed with %q", err, tt.detail)
			}
		})
	}
}

// Large objects leave the comparison of slices for a map; both must find the duplicate, wherever it stands.
func TestJSONDuplicateKeyAmongMany(t *testing.T) {
	t.Parallel()
	object := func(twice int) string {
		var b strings.Builder
		b.WriteString(`{"first":{"k3":0},`)
		for i := range 200 {
			fmt.Fprintf(&b, `"k%d":{"k%d":1},`, i, i)
		}
		if twice >= 0 {
			fmt.Fprintf(&b, `"k%d":0,`, twice)
		}
		return b.String() + `"last":0}`
	}
	if _, err := canonical([]byte("["+object(-1)+","+object(-1)+"]"), 0); err != nil {
		t.Fatal(err)
	}
	for _, twice := range []int{0, 14, 15, 16, 17, 100, 199} {
		if _, err := canonical([]byte("["+object(-1)+","+object(twice)+"]"), 0); loop.CodeOf(err) != loop.CodeMalformed {
			t.Errorf("k%d twice: %v", twice, err)
		}
	}
}

// What we take, the standard library takes too, and sees the same; what it refuses, we refuse.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"x\u00e9",null,true]}`, "\"<\u2028\ufffe\"", `{"a":1,"a":2}`, `"\ud800"`, `[1,]`, nested(65), "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := canonical(raw, 0)
		if err != nil {
			if loop.CodeOf(err) != loop.CodeMalformed {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		if !json.Valid(raw) {
			t.Fatalf("took what is not JSON: %q", raw)
		}
		if std, err := loop.Marshal(json.RawMessage(got)); err != nil || string(std) != string(got) {
			t.Fatalf("not the form of encoding/json: %q, %q, %v", got, std, err)
		}
		var a, b any
		if json.Unmarshal(raw, &a) != nil || json.Unmarshal(got, &b) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatalf("%q became %q", raw, got)
		}
	})
}

func BenchmarkParseEvent(b *testing.B) {
	for name, e := range map[string]string{
		"small": event("1", `"subject":"checkout"`, `"time":"2026-03-04T12:00:00Z"`, `"data":{"error_rate":0.07,"latency_ms":812}`),
		"64KiB": event("1", `"data":[`+strings.Repeat(`{"name":"checkout","error_rate":0.07},`, 1700)+`0]`),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(e)))
			for b.Loop() {
				if _, err := ParseEvent([]byte(e)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
