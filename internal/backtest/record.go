package backtest

import (
	"io"
	"time"
)

// Record is one recorded signal.
type Record struct {
	Signal []byte    // CloudEvents JSON; not changed after it was handed over
	At     time.Time // event time; zero where the signal names none
	N      int       // its number in its file, from 1
	File   int       // its file's number; set by Merge
}

// Source gives records one after the other, io.EOF after the last.
type Source interface {
	Next() (Record, error)
}

// List is a Source of records that are at hand.
type List []Record

// Next implements Source.
func (l *List) Next() (Record, error) {
	if len(*l) == 0 {
		return Record{}, io.EOF
	}
	r := (*l)[0]
	*l = (*l)[1:]
	return r, nil
}
