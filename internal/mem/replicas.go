package mem

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Replicas is the table `outputs`: one replica per region, which sees its own writes at once and the others' when
// they have been replicated. Of two writes to one item the later one stays, whatever the order of their arrival.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
type Replicas struct {
	now       func() time.Time
	fault     Fault
	immediate bool
	lag       func(from, to string) time.Duration
	names     []string // of the regions, in a fixed order, so that a simulation is repeatable

	mu      sync.Mutex
	regions map[string]map[string]map[string]record // region → pk → sk
	pending []change
	clock   int64 // orders the writes of all regions
	link    func(from, to string) bool
}

type record struct {
	doc   []byte
	until time.Time // when it may be deleted; zero for never
	at    int64
}

func (r record) expired(now time.Time) bool { return !r.until.IsZero() && !now.Before(r.until) }

type change struct {
	from, to, pk, sk string
	due              time.Time
	record
}

// ReplicasConfig is what Replicas need. Immediate replicates every write at once; without it Replicate does, as far
// as Lag has passed.
type ReplicasConfig struct {
	Regions   []string
	Now       func() time.Time
	Immediate bool
	Fault     Fault
	Lag       func(from, to string) time.Duration // asked once per write and receiving region; nil: none
}

// NewReplicas returns an empty table.
func NewReplicas(c ReplicasConfig) *Replicas {
	r := &Replicas{
		now: c.Now, fault: c.Fault, immediate: c.Immediate, lag: c.Lag, names: slices.Clone(c.Regions),
		regions: map[string]map[string]map[string]record{},
	}
	for _, region := range r.names {
		r.regions[region] = map[string]map[string]record{}
	}
	return r
}

// Replicate delivers every write that is under way for long enough over a link that is up.
func (r *Replicas) Replicate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replicate()
}

// Link says between which regions replication runs; nil means between all.
func (r *Replicas) Link(up func(from, to string) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.link = up
}

// Expire deletes what is past its time, as DynamoDB does within days.
func (r *Replicas) Expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	for _, table := range r.regions {
		maps.DeleteFunc(table, func(_ string, partition map[string]record) bool {
			maps.DeleteFunc(partition, func(_ string, rec record) bool { return rec.expired(now) })
			return len(partition) == 0
		})
	}
}

// Lose forgets what a region wrote and had not replicated yet, as if it were gone with its disks.
func (r *Replicas) Lose(region string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = slices.DeleteFunc(r.pending, func(c change) bool { return c.from == region || c.to == region })
	clear(r.regions[region])
}

func (r *Replicas) replicate() {
	now := r.now()
	r.pending = slices.DeleteFunc(r.pending, func(c change) bool {
		if c.due.After(now) || r.link != nil && !r.link(c.from, c.to) {
			return false
		}
		r.apply(c.to, c.pk, c.sk, c.record)
		return true
	})
}

func (r *Replicas) apply(region, pk, sk string, rec record) {
	partition := r.regions[region][pk]
	if partition == nil {
		partition = map[string]record{}
		r.regions[region][pk] = partition
	}
	if old, ok := partition[sk]; !ok || old.at < rec.at {
		partition[sk] = rec
	}
}

// put writes one item in region if allowed lets it: old is what stands in that region, nil for nothing.
func (r *Replicas) put(region, pk, sk string, doc []byte, until time.Time, allowed func(old []byte) error) error {
	return r.write(region, pk, sk, until, func(old []byte) ([]byte, error) { return doc, allowed(old) })
}

// update replaces one item that never expires by what next makes of it; old is as in put.
func (r *Replicas) update(region, pk, sk string, next func(old []byte) ([]byte, error)) error {
	return r.write(region, pk, sk, time.Time{}, next)
}

func (r *Replicas) write(region, pk, sk string, until time.Time, next func(old []byte) ([]byte, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	doc, err := next(r.regions[region][pk][sk].doc)
	if err != nil {
		return err
	}
	r.clock++
	rec := record{doc: slices.Clone(doc), until: until, at: r.clock}
	r.apply(region, pk, sk, rec)
	for _, to := range r.names {
		if to == region {
			continue
		}
		due := r.now()
		if r.lag != nil {
			due = due.Add(r.lag(region, to))
		}
		r.pending = append(r.pending, change{region, to, pk, sk, due, rec})
	}
	if r.immediate {
		r.replicate()
	}
	return nil
}

func anything([]byte) error { return nil }

// row is an item of a partition.
type row struct {
	sk  string
	doc []byte
}

// scan returns a partition as region sees it, in the order of sort keys. Only live leaves out what has expired;
// otherwise it is seen until it is deleted, as in DynamoDB.
func (r *Replicas) scan(region, pk string, onlyLive bool) []row {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	partition := r.regions[region][pk]
	rows := make([]row, 0, len(partition))
	for _, sk := range slices.Sorted(maps.Keys(partition)) {
		rec := partition[sk]
		if onlyLive && rec.expired(now) {
			continue
		}
		rows = append(rows, row{sk, slices.Clone(rec.doc)})
	}
	return rows
}

// partitions returns the partition keys that start with prefix, as region sees them, in no order.
func (r *Replicas) partitions(region, prefix string) (keys []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for pk := range r.regions[region] {
		if strings.HasPrefix(pk, prefix) {
			keys = append(keys, pk)
		}
	}
	return keys
}
