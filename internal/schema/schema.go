// Package schema says whether the data of a signal is what the JSON schema of its input allows.
// https://json-schema.org/draft/2020-12
//
// It stands apart from internal/rule, which checks the rest of loop.yaml, so that decide does not carry the library: whoever
// reads a file hands Check in, and whoever takes signals Compile.
package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"example.com/unbroken/internal/loop"
)

// base names the schema to the library; what is wrong is told without it.
const base = "urn:schema"

// errAlone refuses what would be read from a file or from the network, at validate and at every cold start.
var errAlone = errors.New("a schema stands alone: put what it refers to under $defs")

type nothing struct{}

func (nothing) Load(string) (any, error) { return nil, errAlone }

// Check says whether a schema is one, and where in it what is wrong stands.
func Check(raw []byte) (at []string, err error) {
	c, err := compiler(raw)
	if err == nil {
		_, err = c.Compile(base)
	}
	if invalid, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		if wrong, ok := errors.AsType[*jsonschema.ValidationError](invalid.Err); ok {
			leaf := deepest(wrong)
			return leaf.InstanceLocation, errors.New(text(leaf))
		}
	}
	if load, ok := errors.AsType[*jsonschema.LoadURLError](err); ok && errors.Is(load.Err, errAlone) {
		return nil, fmt.Errorf("%s: %w", load.URL, errAlone)
	}
	if err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), base, ""))
	}
	return nil, nil
}

// compiler is one that knows the schema.
func compiler(raw []byte) (*jsonschema.Compiler, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(nothing{})
	c.AssertFormat() // an annotation would be what nobody who writes one means
	return c, c.AddResource(base, doc)
}

// Compile makes the schemas of all inputs ready; the check it returns refuses a signal that its input's does not allow.
// Those of a Config that has been checked never fail here.
func Compile(cfg *loop.Config) (check func(input string, s loop.Signal) error, err error) {
	compiled := map[string]*bounded{}
	for name, in := range cfg.Inputs {
		if in.Schema == nil {
			continue
		}
		if compiled[name], err = compile(in.Schema); err != nil {
			return nil, fmt.Errorf("compile the schema of input %s: %w", name, err)
		}
	}
	return func(input string, s loop.Signal) error {
		if b := compiled[input]; b != nil {
			return validate(b, s)
		}
		return nil
	}, nil
}

func validate(b *bounded, s loop.Signal) error {
	if s.DataBase64 != "" {
		return refusal("/data_base64", "binary data has no schema: send JSON")
	}
	var data any
	if s.Data != nil {
		// Numbers as doubles, which is what rules make of them. As text, 1e-999999999 would be a fraction with a billion
		// digits to the library.
		if err := json.Unmarshal(s.Data, &data); err != nil {
			return refusal("/data", "it is no JSON")
		}
	}
	err := b.validate(len(s.Data), data)
	if wrong, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		leaf := deepest(wrong)
		return refusal("/data"+pointer(leaf.InstanceLocation), text(leaf))
	}
	return err
}

func refusal(at, what string) error {
	return &loop.Refusal{
		Code: loop.CodeInvalidData, Pointer: at,
		Detail: fmt.Sprintf("%s: %s, as the schema of this input says", at, what),
	}
}

// deepest is the cause that says most: of several ways to be right, the one that came furthest; of several
// wrong places, the first by name, or the same data would be answered in two ways.
func deepest(e *jsonschema.ValidationError) *jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return e
	}
	leaves := make([]*jsonschema.ValidationError, len(e.Causes))
	for i, cause := range e.Causes {
		leaves[i] = deepest(cause)
	}
	return slices.MinFunc(leaves, func(a, b *jsonschema.ValidationError) int {
		return cmp.Or(
			cmp.Compare(len(b.InstanceLocation), len(a.InstanceLocation)),
			cmp.Compare(pointer(a.InstanceLocation), pointer(b.InstanceLocation)))
	})
}

// What is said of data has a bound: names and values in it are the sender's.
const (
	maxText    = 200
	maxPointer = 200
)

func text(leaf *jsonschema.ValidationError) string {
	said := []rune(leaf.BasicOutput().Error.String())
	if len(said) > maxText {
		return string(said[:maxText]) + "…"
	}
	return string(said)
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

// pointer is RFC 6901's; of one that is too long, the beginning, which names a place around it.
func pointer(path []string) string {
	var b strings.Builder
	for _, name := range path {
		token := "/" + escape.Replace(name)
		if b.Len()+len(token) > maxPointer {
			break
		}
		b.WriteString(token)
	}
	return b.String()
}
