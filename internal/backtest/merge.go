package backtest

import (
	"container/heap"
	"errors"
	"fmt"
	"io"
	"time"
)

// File is one recording.
type File struct {
	Name string
	Source
}

// merged is several recordings as one stream in order of event time, which is how the loop would have met them. Each
// file keeps its own order: what came late there comes late here. It holds one record per file.
type merged struct {
	files []File
	last  []time.Time // of each file: a signal without a time happened when the one before it did
	heads heads
}

// Merge opens the stream; it reads the first record of every file.
func Merge(files []File) (Source, error) {
	m := &merged{files: files, last: make([]time.Time, len(files))}
	for i := range files {
		if err := m.take(i); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Next implements Source.
func (m *merged) Next() (Record, error) {
	if len(m.heads) == 0 {
		return Record{}, io.EOF
	}
	r, _ := heap.Pop(&m.heads).(Record)
	return r, m.take(r.File)
}

func (m *merged) take(i int) error {
	r, err := m.files[i].Next()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.files[i].Name, err)
	}
	if r.File = i; r.At.IsZero() {
		r.At = m.last[i]
	}
	if r.At.IsZero() {
		r.At = Epoch
	}
	m.last[i] = r.At
	heap.Push(&m.heads, r)
	return nil
}

// Epoch is the time of signals that neither have one nor follow one that has.
var Epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

type heads []Record

func (h heads) Len() int      { return len(h) }
func (h heads) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h heads) Less(i, j int) bool {
	if c := h[i].At.Compare(h[j].At); c != 0 {
		return c < 0
	}
	return h[i].File < h[j].File
}

// Push implements heap.Interface.
func (h *heads) Push(x any) {
	if r, ok := x.(Record); ok {
		*h = append(*h, r)
	}
}

// Pop implements heap.Interface.
func (h *heads) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
