package ingest

// keySet finds a name that stands twice in one object. Most objects are small, and comparing a handful of
// slices costs no allocation; from the seventeenth name on an object uses a map, so that a large one stays
// linear.
type keySet struct {
	names   [][]byte
	objects []object // open ones, the innermost last
	opened  int
	many    map[objectKey]struct{}
}

type object struct{ id, first int }

type objectKey struct {
	object int
	name   string
}

const smallObject = 16

func (k *keySet) reset() {
	k.names, k.objects = k.names[:0], k.objects[:0]
}

func (k *keySet) open() {
	k.opened++
	k.objects = append(k.objects, object{id: k.opened, first: len(k.names)})
}

func (k *keySet) close() {
	last := len(k.objects) - 1
	k.names = k.names[:k.objects[last].first]
	k.objects = k.objects[:last]
}

// add says whether the name is new to the innermost object.
func (k *keySet) add(name []byte) bool {
	o := k.objects[len(k.objects)-1]
	mine := k.names[o.first:]
	for _, n := range mine {
		if string(n) == string(name) {
			return false
		}
	}
	if len(mine) < smallObject {
		k.names = append(k.names, name)
		return true
	}
	key := objectKey{o.id, string(name)}
	if _, twice := k.many[key]; twice {
		return false
	}
	if k.many == nil {
		k.many = map[objectKey]struct{}{}
	}
	k.many[key] = struct{}{}
	return true
}
