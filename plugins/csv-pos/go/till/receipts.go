package till

import (
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"
	"sort"
)

const (
	// How many receipts are remembered before those begin to be forgotten that came before them: 240 KB. A till that
	// interrupts a receipt goes on with it sooner.
	generation = 20_000
	// What stands for a receipt: a hash of its name in 8 bytes, and how often it was begun in 4.
	receiptBytes = 12
)

// receipts know how often each receipt of the file was begun. Of those before this call only the bytes are looked at:
// to read them into a map would take more of what a call may use than everything else.
type receipts struct {
	// Those before the young ones.
	old sorted
	// Those of the calls before.
	young sorted
	// Those of this call.
	new map[uint64]uint32
}

// sorted are receipts by hash.
type sorted []byte

func newReceipts(old, young sorted) *receipts {
	return &receipts{old: old, young: young, new: map[uint64]uint32{}}
}

// begin takes note that a receipt begins: how often it did, this time included.
func (r *receipts) begin(name string) uint32 {
	hash := hashOf(name)
	times, ok := r.new[hash]
	if !ok {
		times = r.before(hash)
	}
	r.new[hash] = times + 1
	return times + 1
}

// takeBack forgets that a receipt began in this call: it will be read again.
func (r *receipts) takeBack(name string) {
	hash := hashOf(name)
	times := r.new[hash] - 1
	delete(r.new, hash)
	if times > r.before(hash) {
		r.new[hash] = times
	}
}

// grown are what the next call needs: the old ones and the young ones.
func (r *receipts) grown() (old, young sorted) {
	young = r.young.with(r.new)
	if young.count() > generation {
		return young, nil
	}
	return r.old, young
}

func (r *receipts) before(hash uint64) uint32 {
	if times := r.young.get(hash); times > 0 {
		return times
	}
	return r.old.get(hash)
}

func (s sorted) count() int { return len(s) / receiptBytes }

func (s sorted) hash(place int) uint64 {
	return binary.LittleEndian.Uint64(s[place*receiptBytes:])
}

func (s sorted) times(place int) uint32 {
	return binary.LittleEndian.Uint32(s[place*receiptBytes+8:])
}

// get gives 0 for a receipt that is not there.
func (s sorted) get(hash uint64) uint32 {
	place := sort.Search(s.count(), func(place int) bool { return s.hash(place) >= hash })
	if place == s.count() || s.hash(place) != hash {
		return 0
	}
	return s.times(place)
}

// with merges these and others, whose times count where both have a receipt.
func (s sorted) with(others map[uint64]uint32) sorted {
	merged := make(sorted, 0, len(s)+len(others)*receiptBytes)
	place := 0
	for _, hash := range slices.Sorted(maps.Keys(others)) {
		from := place
		for place < s.count() && s.hash(place) < hash {
			place++
		}
		merged = append(merged, s[from*receiptBytes:place*receiptBytes]...)
		merged = binary.LittleEndian.AppendUint64(merged, hash)
		merged = binary.LittleEndian.AppendUint32(merged, others[hash])
		if place < s.count() && s.hash(place) == hash {
			place++
		}
	}
	return append(merged, s[place*receiptBytes:]...)
}

// hashOf is FNV-1a (RFC 9923). Two receipts of one hash cost no more than a number behind the second.
func hashOf(name string) uint64 {
	hash := fnv.New64a()
	// A hash takes everything.
	_, _ = hash.Write([]byte(name))
	return hash.Sum64()
}
