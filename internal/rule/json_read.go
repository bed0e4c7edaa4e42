package rule

import (
	"math"
	"reflect"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/tidwall/gjson"
)

// member finds a member of a JSON object. gjson reads its argument as a path, so names with characters that
// mean something there are compared one by one.
func member(raw, name string) gjson.Result {
	if plainName(name) {
		return gjson.Get(raw, name)
	}
	var found gjson.Result
	gjson.Parse(raw).ForEach(func(k, v gjson.Result) bool {
		if k.Str == name {
			found = v
			return false
		}
		return true
	})
	return found
}

func plainName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != ""
}

// celValue is the CEL value of a JSON value. Numbers are doubles, as JSON has no other kind; objects and arrays
// stay bytes until something looks into them.
func celValue(v gjson.Result) ref.Val {
	switch v.Type {
	case gjson.String:
		return types.String(v.Str)
	case gjson.Number:
		if math.IsInf(v.Num, 0) || math.IsNaN(v.Num) {
			return types.NewErr("a number is beyond the range of a double")
		}
		return types.Double(v.Num)
	case gjson.True:
		return types.True
	case gjson.False:
		return types.False
	case gjson.JSON:
		if v.IsArray() {
			return &array{raw: v.Raw}
		}
		if v.IsObject() {
			return &object{raw: v.Raw}
		}
	case gjson.Null:
	}
	return types.NullValue
}

// scansBeforeIndex is how many members of an object are looked up by scanning before it is indexed: a condition
// that names two or three members never pays for the index, a loop over many pays once.
const scansBeforeIndex = 3

// object is a JSON object as a CEL map that reads members from the bytes. Iteration is in order of names: CEL
// leaves the order open, and what a template renders must not depend on it.
type object struct {
	raw     string
	event   *Event // set for `signal`, whose time is a timestamp
	scans   int
	members map[string]ref.Val
	full    traits.Mapper
}

// FindStringKey is what CEL asks for `object.name`; it spares boxing the name.
func (o *object) FindStringKey(name string) (any, bool) {
	v, ok := o.find(name)
	return v, ok
}

func (o *object) find(name string) (ref.Val, bool) {
	if o.members == nil && o.scans < scansBeforeIndex {
		o.scans++
		if o.event != nil {
			if v, ok := o.event.celAttribute(name); ok {
				return v, true
			}
		}
		m := member(o.raw, name)
		if !m.Exists() {
			return nil, false
		}
		return celValue(m), true
	}
	v, ok := o.index()[name]
	return v, ok
}

func (o *object) index() map[string]ref.Val {
	if o.members != nil {
		return o.members
	}
	o.members = map[string]ref.Val{}
	gjson.Parse(o.raw).ForEach(func(k, v gjson.Result) bool {
		if _, again := o.members[k.Str]; !again {
			o.members[k.Str] = celValue(v)
		}
		return true
	})
	if o.event != nil {
		for _, name := range []string{"time", "data"} {
			if v, ok := o.event.celAttribute(name); ok {
				o.members[name] = v
			}
		}
	}
	return o.members
}

// names are the members' names in order.
func (o *object) names() []string {
	names := make([]string, 0, len(o.index()))
	for name := range o.index() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (o *object) mapper() traits.Mapper {
	if o.full == nil {
		o.full = types.NewMap(types.DefaultTypeAdapter, o.index())
	}
	return o.full
}

// Find implements traits.Mapper.
func (o *object) Find(key ref.Val) (ref.Val, bool) {
	if name, ok := key.(types.String); ok {
		return o.find(string(name))
	}
	return o.mapper().Find(key)
}

// Get implements traits.Indexer.
func (o *object) Get(key ref.Val) ref.Val {
	if v, ok := o.Find(key); ok {
		return v
	}
	return types.NewErr("no such key: %v", key)
}

// Contains implements traits.Container.
func (o *object) Contains(key ref.Val) ref.Val {
	_, ok := o.Find(key)
	return types.Bool(ok)
}

// Iterator implements traits.Iterable, in order of names.
func (o *object) Iterator() traits.Iterator {
	return types.NewStringList(types.DefaultTypeAdapter, o.names()).Iterator()
}

// Size implements traits.Sizer.
func (o *object) Size() ref.Val { return types.Int(len(o.index())) }

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(t reflect.Type) (any, error) { return o.mapper().ConvertToNative(t) }

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(t ref.Type) ref.Val { return o.mapper().ConvertToType(t) }

// Equal implements ref.Val.
func (o *object) Equal(other ref.Val) ref.Val { return o.mapper().Equal(other) }

// Type implements ref.Val.
func (o *object) Type() ref.Type { return types.MapType }

// Value implements ref.Val.
func (o *object) Value() any { return o.mapper().Value() }

// celAttribute gives the attributes whose CEL value is not that of their JSON: time, which is a timestamp and
// never missing, and data, whose object is kept so that its index is.
func (e *Event) celAttribute(name string) (ref.Val, bool) {
	switch name {
	case "time":
		return types.Timestamp{Time: e.Time()}, true
	case "data":
		e.scan()
		if !e.data.Exists() {
			return nil, false
		}
		if e.celData == nil {
			e.celData = celValue(e.data)
		}
		return e.celData, true
	}
	return nil, false
}

var _ traits.Mapper = (*object)(nil)
