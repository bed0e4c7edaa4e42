package mem

import "encoding/json"

// kept is a stored record. It is kept encoded, so that nothing survives that an encoding would lose and nobody shares
// memory with the store; it is decoded once, when it is first read.
type kept[T any] struct {
	doc   []byte
	value T
	read  bool
}

// get is the record. What it refers to is shared by all who read it, and must not be changed.
func (k *kept[T]) get() (T, error) {
	if !k.read {
		if err := json.Unmarshal(k.doc, &k.value); err != nil {
			return k.value, err
		}
		k.read = true
	}
	return k.value, nil
}
