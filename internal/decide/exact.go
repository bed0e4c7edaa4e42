package decide

import (
	"math"
	"math/big"
)

// exactSum adds and takes away float64s without rounding, so that a sum depends on what is in it and not on the
// order in which it came: two regions that see the same entries must not differ about 800 and 800.0000000000001.
// It counts in units of 2^-1074, the smallest float64, of which every float64 is a whole number.
type exactSum struct {
	units, term big.Int
}

const unitExponent = 1074

// setUnits makes z the number of units in v, which is finite.
func setUnits(z *big.Int, v float64) *big.Int {
	fraction, exponent := math.Frexp(v)
	z.SetInt64(int64(fraction * (1 << 53)))
	shift := exponent - 53 + unitExponent
	if shift < 0 { // a subnormal number: what is shifted out is zero
		return z.Rsh(z, uint(-shift))
	}
	return z.Lsh(z, uint(shift))
}

func (s *exactSum) add(v float64)    { s.units.Add(&s.units, setUnits(&s.term, v)) }
func (s *exactSum) remove(v float64) { s.units.Sub(&s.units, setUnits(&s.term, v)) }

// compare says whether the sum is less than, equal to or greater than n times v: -1, 0 or 1.
func (s *exactSum) compare(n int, v float64) int {
	var count big.Int
	limit := setUnits(&s.term, v)
	return s.units.Cmp(limit.Mul(limit, count.SetInt64(int64(n))))
}
