package rule

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/tidwall/gjson"

	"example.com/unbroken/internal/loop"
)

// errTooLarge stops writing a value that no request could carry, before the memory is spent.
var errTooLarge = errors.New("larger than a request may be")

// maxValueDepth bounds recursion into lists and maps that an expression built.
const maxValueDepth = 64

// appendJSON writes a CEL value as JSON, the same bytes for the same value: map keys are sorted, JSON that came
// with the signal is copied.
func appendJSON(b []byte, v ref.Val, depth int) ([]byte, error) {
	if len(b) > loop.MaxRequestBytes {
		return nil, errTooLarge
	}
	if depth > maxValueDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxValueDepth)
	}
	switch v := v.(type) {
	case *object:
		return append(b, v.raw...), nil
	case *array:
		return append(b, v.raw...), nil
	case types.Null:
		return append(b, "null"...), nil
	case types.String:
		return gjson.AppendJSONString(b, string(v)), nil
	case types.Bool, types.Int, types.Uint, types.Double:
		return appendText(b, v)
	case types.Bytes, types.Timestamp, types.Duration:
		b, err := appendText(append(b, '"'), v)
		return append(b, '"'), err
	case traits.Mapper:
		return appendMap(b, v, depth)
	case traits.Lister:
		b = append(b, '[')
		for it, n := v.Iterator(), 0; it.HasNext() == types.True; n++ {
			if n > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendJSON(b, it.Next(), depth+1); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	return nil, fmt.Errorf("a value of type %s has no JSON form", v.Type().TypeName())
}

func appendMap(b []byte, m traits.Mapper, depth int) ([]byte, error) {
	entries := map[string]ref.Val{}
	var names []string
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, err := appendText(nil, key)
		if err != nil {
			return nil, err
		}
		if _, again := entries[string(name)]; again { // 1 and "1" are two keys in CEL
			return nil, fmt.Errorf("a map has two keys that read %q", name)
		}
		entries[string(name)] = m.Get(key)
		names = append(names, string(name))
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(gjson.AppendJSONString(b, name), ':')
		var err error
		if b, err = appendJSON(b, entries[name], depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendText writes a CEL value as it reads inside a text. Whole numbers have no decimals, since JSON's 5 is a
// double here and nobody wants shed/5.000000; null is refused, as a silent gap in a URL or a key would be worse.
func appendText(b []byte, v ref.Val) ([]byte, error) {
	switch v := v.(type) {
	case types.String:
		return append(b, v...), nil
	case types.Bool:
		return strconv.AppendBool(b, bool(v)), nil
	case types.Int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case types.Uint:
		return strconv.AppendUint(b, uint64(v), 10), nil
	case types.Double:
		return appendNumber(b, float64(v))
	case types.Bytes:
		return base64.StdEncoding.AppendEncode(b, v), nil
	case types.Timestamp:
		return v.AppendFormat(b, time.RFC3339Nano), nil
	case types.Duration:
		return append(b, v.String()...), nil
	case traits.Mapper, traits.Lister:
		return appendJSON(b, v, 0)
	}
	return nil, fmt.Errorf("a value of type %s has no text form", strings.TrimPrefix(v.Type().TypeName(), "google.protobuf."))
}

// appendNumber writes numbers as encoding/json does.
func appendNumber(b []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errors.New("not a finite number")
	}
	abs := math.Abs(f)
	switch {
	case f == math.Trunc(f) && abs < 1e15:
		return strconv.AppendInt(b, int64(f), 10), nil
	case abs < 1e-6 || abs >= 1e21:
		b = strconv.AppendFloat(b, f, 'e', -1, 64)
		if n := len(b); b[n-4] == 'e' && b[n-3] == '-' && b[n-2] == '0' { // e-07 is e-7
			b[n-2] = b[n-1]
			b = b[:n-1]
		}
		return b, nil
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64), nil
}

// scalar says whether v has a text of its own, rather than one that only stands for its JSON.
func scalar(v ref.Val) bool {
	switch v.(type) {
	case types.String, types.Bool, types.Int, types.Uint, types.Double, types.Timestamp, types.Duration:
		return true
	}
	return false
}
