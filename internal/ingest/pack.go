package ingest

import "example.com/unbroken/internal/loop"

// A message holds at most this much. SQS takes 1 MiB; the rest is for message attributes and for what later
// stages add to an item that they send again.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const (
	maxPackBytes = 900 << 10
	maxPackItems = 500
	// itemOverhead is more than what an item adds to its signal: names, punctuation, acceptedAt, the standby
	// flag. A test holds it to that.
	itemOverhead = 160
)

// pack is one message in the making. owners are the indexes of the arrivals that its items came from.
type pack struct {
	items  []loop.Item
	owners []int
	bytes  int
}

// place puts the item into the first pack that has room, so that few messages carry many signals. Order does
// not matter: windows sort by the signals' own time.
func place(packs []*pack, owner int, item loop.Item) []*pack {
	size := len(item.Signal) + itemOverhead + 6*len(item.Input)
	for _, p := range packs {
		if len(p.items) < maxPackItems && p.bytes+size <= maxPackBytes {
			p.add(owner, item, size)
			return packs
		}
	}
	p := &pack{}
	p.add(owner, item, size)
	return append(packs, p)
}

func (p *pack) add(owner int, item loop.Item, size int) {
	p.items = append(p.items, item)
	p.owners = append(p.owners, owner)
	p.bytes += size
}

// message encodes the pack; a standby copy says so in every item, and is otherwise the same to the byte.
func (p *pack) message(input string, standby bool) (loop.Outgoing, error) {
	items := p.items
	if standby {
		items = append([]loop.Item(nil), p.items...)
		for i := range items {
			items[i].Standby = true
		}
	}
	body, err := loop.Encode(items...)
	return loop.Outgoing{Body: body, Group: input}, err
}
