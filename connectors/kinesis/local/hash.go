package local

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"math/big"
	"math/bits"
)

// hash128 is an unsigned 128-bit integer, the hash key which decides on the shard of a record.
type hash128 struct {
	Hi, Lo uint64
}

// maxHash is 2^128-1, the last hash key of a stream.
var maxHash = hash128{^uint64(0), ^uint64(0)}

// hashKey is the MD5 of a partition key's UTF-8 bytes, read as a big-endian integer.
func hashKey(partitionKey string) hash128 {
	sum := md5.Sum([]byte(partitionKey))
	return hash128{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:])}
}

// parseHash reads a decimal hash key; false when it is not a number in 0..2^128-1.
func parseHash(text string) (hash128, bool) {
	if text == "" || len(text) > 39 {
		return hash128{}, false
	}
	var h hash128
	for i := 0; i < len(text); i++ {
		digit := text[i] - '0'
		if digit > 9 {
			return hash128{}, false
		}
		over, hi := bits.Mul64(h.Hi, 10)
		carry, lo := bits.Mul64(h.Lo, 10)
		lo, c := bits.Add64(lo, uint64(digit), 0)
		hi, c = bits.Add64(hi, carry, c)
		if over != 0 || c != 0 {
			return hash128{}, false
		}
		h = hash128{hi, lo}
	}
	return h, true
}

func (h hash128) big() *big.Int {
	n := new(big.Int).SetUint64(h.Hi)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(h.Lo))
}

// String is the decimal form which the API uses.
func (h hash128) String() string { return h.big().String() }

func (h hash128) less(o hash128) bool { return h.Hi < o.Hi || h.Hi == o.Hi && h.Lo < o.Lo }

func (h hash128) next() hash128 {
	lo, carry := bits.Add64(h.Lo, 1, 0)
	return hash128{h.Hi + carry, lo}
}

func (h hash128) prev() hash128 {
	lo, borrow := bits.Sub64(h.Lo, 1, 0)
	return hash128{h.Hi - borrow, lo}
}

// MarshalText keeps stream descriptors readable and exact (JSON numbers are not).
func (h hash128) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (h *hash128) UnmarshalText(text []byte) error {
	parsed, ok := parseHash(string(text))
	if !ok {
		return fmt.Errorf("%q is not a hash key", text)
	}
	*h = parsed
	return nil
}

// hashRange is the closed range of hash keys which a shard owns.
type hashRange struct {
	First, Last hash128
}

func (r hashRange) contains(h hash128) bool { return !h.less(r.First) && !r.Last.less(h) }

// before says whether o begins where r ends. The space is a line, not a circle: nothing is after its last key.
func (r hashRange) before(o hashRange) bool { return r.Last != maxHash && r.Last.next() == o.First }

// evenRanges cuts the whole hash space into n ranges whose sizes differ by one at most.
func evenRanges(n int) []hashRange {
	space := new(big.Int).Lsh(big.NewInt(1), 128)
	ranges := make([]hashRange, n)
	for i := range ranges {
		start := new(big.Int).Mul(space, big.NewInt(int64(i)))
		start.Quo(start, big.NewInt(int64(n)))
		lo := new(big.Int).And(start, new(big.Int).SetUint64(^uint64(0))).Uint64()
		ranges[i].First = hash128{new(big.Int).Rsh(start, 64).Uint64(), lo}
		if i > 0 {
			ranges[i-1].Last = ranges[i].First.prev()
		}
	}
	ranges[n-1].Last = maxHash
	return ranges
}
