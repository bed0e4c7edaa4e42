package mem

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// An entry is stored in binary, its time beside its sort key: a stateful rule reads many entries for each signal, and
// parsing them would be most of what it costs here.
const entryBytes = 1 + 8 + 8 + 8 + 4

// keyAt is where the signal's key begins in a sort key: behind the time, whose width is fixed, and a separator.
var keyAt = len(loop.TimeKey(time.Time{})) + 1

const (
	clearBit = 1 << iota
	missBit
	tickBit
)

func entryDoc(e decide.Entry) []byte {
	b := make([]byte, 1, entryBytes)
	if e.Clear {
		b[0] |= clearBit
	}
	if e.Miss {
		b[0] |= missBit
	}
	if e.Tick {
		b[0] |= tickBit
	}
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(e.Value))
	b = binary.BigEndian.AppendUint64(b, e.Met)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Pos.Time.Unix()))          //nolint:gosec // read back as it was
	return binary.BigEndian.AppendUint32(b, uint32(e.Pos.Time.Nanosecond())) //nolint:gosec // below 1e9
}

func readEntry(r row) (e decide.Entry, err error) {
	if len(r.sk) < keyAt || r.sk[keyAt-1] != '#' || len(r.doc) != entryBytes {
		return e, fmt.Errorf("window entry %s: %d bytes are not an entry", r.sk, len(r.doc))
	}
	e.Clear, e.Miss, e.Tick = r.doc[0]&clearBit != 0, r.doc[0]&missBit != 0, r.doc[0]&tickBit != 0
	e.Value = math.Float64frombits(binary.BigEndian.Uint64(r.doc[1:]))
	e.Met = binary.BigEndian.Uint64(r.doc[9:])
	seconds, nanos := binary.BigEndian.Uint64(r.doc[17:]), binary.BigEndian.Uint32(r.doc[25:])
	e.Pos.Time, e.Pos.SignalKey = time.Unix(int64(seconds), int64(nanos)).UTC(), r.sk[keyAt:] //nolint:gosec // written from one
	return e, nil
}
