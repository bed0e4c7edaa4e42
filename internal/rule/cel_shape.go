package rule

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// shape is how the checker sees signals of one declared type: the attributes of every signal, and data as its JSON
// schema has it. For checking only: what runs takes signals as they come.
//
// An object's CEL type is named for the path to it, with a sign before it that no name in an expression has. What the schema leaves open (no type, several,
// an object without properties) may be anything. A property that it does not name is not known, even if JSON Schema
// would allow it, unless additionalProperties says true or what it is.
type shape struct {
	types.Provider
	objects map[string]shapeObject
	unknown []unknownField // what the last check asked for in vain
}

type shapeObject struct {
	fields map[string]*cel.Type
	others *cel.Type // nil: there are none
}

type unknownField struct{ object, name string }

const (
	shapeSign = "$"
	shapeRoot = shapeSign + "signal"
)

// newShape reads a JSON schema as far as types go. Numbers are doubles, as in every signal.
func newShape(schema any) (*shape, *cel.Env, error) {
	common, err := celEnv()
	if err != nil {
		return nil, nil, err
	}
	s := &shape{Provider: common.CELTypeProvider(), objects: map[string]shapeObject{}}
	attributes := map[string]*cel.Type{"time": cel.TimestampType, "data": s.read(shapeRoot+".data", schema)}
	for _, name := range []string{"id", "source", "type", "subject", "specversion", "dataschema", "datacontenttype"} {
		attributes[name] = cel.StringType
	}
	s.objects[shapeRoot] = shapeObject{attributes, cel.DynType} // extensions have any name
	env, err := newCELEnv(cel.ObjectType(shapeRoot), cel.CustomTypeProvider(s))
	return s, env, err
}

func (s *shape) read(path string, schema any) *cel.Type {
	m, _ := schema.(map[string]any)
	switch m["type"] {
	case "number", "integer":
		return cel.DoubleType
	case "string":
		return cel.StringType
	case "boolean":
		return cel.BoolType
	case "array":
		return cel.ListType(s.read(path+"[]", m["items"]))
	case "object":
		properties, ok := m["properties"].(map[string]any)
		if !ok {
			return cel.MapType(cel.StringType, cel.DynType)
		}
		o := shapeObject{fields: map[string]*cel.Type{}}
		for name, property := range properties {
			o.fields[name] = s.read(path+"."+name, property)
		}
		switch others := m["additionalProperties"].(type) {
		case bool:
			if others {
				o.others = cel.DynType
			}
		case map[string]any:
			o.others = s.read(path+".*", others)
		}
		s.objects[path] = o
		return cel.ObjectType(path)
	}
	return cel.DynType
}

// FindStructType implements types.Provider.
func (s *shape) FindStructType(name string) (*types.Type, bool) {
	if _, ok := s.objects[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return s.Provider.FindStructType(name)
}

// FindStructFieldType implements types.Provider. A field that is not there is noted, and taken to be anything, so that
// all that is wrong is found at once.
func (s *shape) FindStructFieldType(object, name string) (*types.FieldType, bool) {
	o, ok := s.objects[object]
	if !ok {
		return s.Provider.FindStructFieldType(object, name)
	}
	t := o.fields[name]
	if t == nil {
		t = o.others
	}
	if t == nil {
		s.unknown = append(s.unknown, unknownField{strings.TrimPrefix(object, shapeSign), name})
		t = cel.DynType
	}
	return &types.FieldType{Type: t}, true
}

// complaints are what a check against the shape says that a check without it does not. Of an object and something else
// nothing is said: CEL's maps can do what its objects cannot, and a signal's are maps.
func complaints(issues *cel.Issues) (all []string) {
	for _, e := range issues.Errors() {
		operator, operands, overload := strings.Cut(strings.TrimPrefix(e.Message, "found "), " applied to ")
		switch {
		case strings.Contains(e.Message, shapeSign):
		case overload && !comparable(operator, operands):
			all = append(all, oneLine(operator+" applied to "+operands))
		case strings.HasSuffix(e.Message, "does not support field selection"):
			all = append(all, oneLine(e.Message))
		}
	}
	return all
}

// comparable says whether CEL compares the operands all the same: numbers of any type are equal or not when it runs.
func comparable(operator, operands string) bool {
	for _, o := range []string{"'_==_'", "'_!=_'", "'@in'"} {
		if strings.HasSuffix(operator, o) {
			operands = strings.NewReplacer("uint", "double", "int", "double").Replace(strings.TrimSuffix(strings.TrimPrefix(operands, "'("), ")'"))
			a, b, _ := strings.Cut(operands, ", ")
			return a == b || "list("+a+")" == b
		}
	}
	return false
}

// hint names the field that may have been meant.
func (s *shape) hint(u unknownField) string {
	return suggest(u.name, s.objects[shapeSign+u.object].fields)
}
