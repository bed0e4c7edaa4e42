package rule

import (
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// sizedCost charges for what an operator handles. CEL's own table goes by overload, which is not known where
// the operands come from a signal, and then charges 1: doubling a string twenty times would cost twenty.
type sizedCost struct{}

// CallCost implements cel's ActualCostEstimator; nil leaves it to CEL's table.
func (sizedCost) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	var cost uint64
	switch function {
	case operators.Add:
		cost = magnitude(result)
	case operators.Equals, operators.NotEquals,
		operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		if len(args) == 2 {
			cost = min(magnitude(args[0]), magnitude(args[1]))
		}
	case operators.In:
		if len(args) == 2 {
			if _, list := args[1].(traits.Lister); list {
				cost = magnitude(args[1])
			}
		}
	case overloads.Size, overloads.TypeConvertString, overloads.TypeConvertBytes:
		if len(args) == 1 {
			switch args[0].(type) {
			case types.String, types.Bytes:
				cost = magnitude(args[0])
			}
		}
	default:
		return nil
	}
	cost = max(cost, 1)
	return &cost
}

// magnitude is the work of walking over v once: a unit per ten bytes, as in CEL's table, or per element.
func magnitude(v ref.Val) uint64 {
	switch v := v.(type) {
	case types.String:
		return uint64(len(v)) / 10
	case types.Bytes:
		return uint64(len(v)) / 10
	case traits.Sizer:
		if n, ok := v.Size().(types.Int); ok && n >= 0 {
			return uint64(n)
		}
		return costLimit + 1 // a size beyond int64
	}
	return 1
}
