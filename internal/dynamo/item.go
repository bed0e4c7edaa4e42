package dynamo

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/loop"
)

// Keys of both tables; `claims` has no sort key.
const (
	pk  = "pk"
	sk  = "sk"
	ttl = "ttl" // epoch seconds; https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
)

// item is one DynamoDB item.
type item map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// setTime stores a time with all its nanoseconds, in a form whose text order is time order; a zero time is left out.
func (it item) setTime(name string, t time.Time) {
	if !t.IsZero() {
		it[name] = str(loop.TimeKey(t))
	}
}

// maxPlainBytes is up to where a document stays readable in the console. A longer one is compressed: JSON inside
// JSON escapes its quotes, and an item may have 400 KB only.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const maxPlainBytes = 64 << 10

// setJSON stores v as one JSON document.
func (it item) setJSON(name string, v any) error { return it.setDocument(name, v, maxPlainBytes) }

// setDocument stores v as one JSON document, compressed where it is longer than plain bytes.
func (it item) setDocument(name string, v any, maxPlain int) error {
	plain, err := loop.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode attribute %s: %w", name, err)
	}
	if len(plain) <= maxPlain {
		it[name] = str(string(plain))
		return nil
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(plain); err != nil {
		return fmt.Errorf("compress attribute %s: %w", name, err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("compress attribute %s: %w", name, err)
	}
	it[name] = &types.AttributeValueMemberB{Value: packed.Bytes()}
	return nil
}

// reader reads attributes and keeps the first error, so that an item reads as a list of its fields. An attribute
// that is missing leaves the zero value; one of another form is an error, never a guess.
type reader struct {
	item item
	err  error
}

func (r *reader) fail(name string, err error) {
	if r.err == nil {
		r.err = fmt.Errorf("stored attribute %s: %w", name, err)
	}
}

func (r *reader) str(name string) string {
	switch v := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberS:
		return v.Value
	default:
		r.fail(name, fmt.Errorf("a %T instead of a string", v))
	}
	return ""
}

func (r *reader) num(name string) int64 {
	switch v := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(v.Value, 10, 64)
		if err != nil {
			r.fail(name, err)
		}
		return n
	default:
		r.fail(name, fmt.Errorf("a %T instead of a number", v))
	}
	return 0
}

func (r *reader) time(name string) time.Time {
	s := r.str(name)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		r.fail(name, err)
	}
	return t.UTC()
}

// json reads what setJSON wrote, in either form.
func (r *reader) json(name string, v any) {
	var doc []byte
	switch a := r.item[name].(type) {
	case nil:
		return
	case *types.AttributeValueMemberS:
		doc = []byte(a.Value)
	case *types.AttributeValueMemberB:
		z, err := gzip.NewReader(bytes.NewReader(a.Value))
		if err != nil {
			r.fail(name, err)
			return
		}
		if doc, err = io.ReadAll(z); err != nil {
			r.fail(name, err)
			return
		}
	default:
		r.fail(name, fmt.Errorf("a %T instead of a document", a))
		return
	}
	if err := json.Unmarshal(doc, v); err != nil {
		r.fail(name, err)
	}
}
