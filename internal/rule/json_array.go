package rule

import (
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/tidwall/gjson"
)

// array is a JSON array as a CEL list, split into its elements when something first looks into it.
type array struct {
	raw  string
	list traits.Lister
}

func (a *array) lister() traits.Lister {
	if a.list == nil {
		var elements []ref.Val
		gjson.Parse(a.raw).ForEach(func(_, v gjson.Result) bool {
			elements = append(elements, celValue(v))
			return true
		})
		a.list = types.NewRefValList(types.DefaultTypeAdapter, elements)
	}
	return a.list
}

// Add implements traits.Adder.
func (a *array) Add(other ref.Val) ref.Val { return a.lister().Add(other) }

// Contains implements traits.Container.
func (a *array) Contains(v ref.Val) ref.Val { return a.lister().Contains(v) }

// Get implements traits.Indexer.
func (a *array) Get(index ref.Val) ref.Val { return a.lister().Get(index) }

// Iterator implements traits.Iterable.
func (a *array) Iterator() traits.Iterator { return a.lister().Iterator() }

// Size implements traits.Sizer.
func (a *array) Size() ref.Val { return a.lister().Size() }

// ConvertToNative implements ref.Val.
func (a *array) ConvertToNative(t reflect.Type) (any, error) { return a.lister().ConvertToNative(t) }

// ConvertToType implements ref.Val.
func (a *array) ConvertToType(t ref.Type) ref.Val { return a.lister().ConvertToType(t) }

// Equal implements ref.Val.
func (a *array) Equal(other ref.Val) ref.Val { return a.lister().Equal(other) }

// Type implements ref.Val.
func (a *array) Type() ref.Type { return types.ListType }

// Value implements ref.Val.
func (a *array) Value() any { return a.lister().Value() }

var _ traits.Lister = (*array)(nil)
