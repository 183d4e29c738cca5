package local

import (
	"fmt"
	"math/big"
	"math/bits"
)

// position is the place of a record within its shard: arrival time in milliseconds in the upper 42 bits
// (enough until 2109) and a counter within that millisecond below. A time is therefore a
// position too, and AT_TIMESTAMP is a plain seek.
type position uint64

const counterBits = 22

// positionAt is the first position of a millisecond.
func positionAt(ms int64) position {
	if ms < 0 {
		return 0
	}
	return position(ms) << counterBits
}

// millis is the arrival time of the record at this position.
func (p position) millis() int64 { return int64(p >> counterBits) }

// successor is the position of a record which arrives now, after the record at p. It never goes back:
// when the clock does, the counter runs on (and, when full, carries into the next millisecond).
func (p position) successor(nowMs int64) position { return max(p+1, positionAt(nowMs)) }

// A sequence number is a 186-bit integer, which always has 56 decimal digits:
//
//	bits 185-184  the constant 2
//	bits 183-120  position
//	bits 119-36   zero
//	bits 35-4     shard index
//	bits 3-0      version, 2
//
// Length, version and the place of the shard index are those that Kinesis consumers check.
const (
	sequenceVersion = 2
	sequenceDigits  = 56
)

// formatSequence is the sequence number of a position in a shard.
func formatSequence(shard uint32, p position) string {
	words := [3]uint64{
		2<<56 | uint64(p)>>8,
		uint64(p) << 56,
		uint64(shard)<<4 | sequenceVersion,
	}
	const chunk = 1e19 // the greatest power of ten in a word
	var text [57]byte
	for end := len(text); end > 0; end -= 19 {
		var rest uint64
		for i := range words {
			words[i], rest = bits.Div64(rest, words[i], chunk)
		}
		for i := end - 1; i >= end-19; i-- {
			text[i] = byte('0' + rest%10)
			rest /= 10
		}
	}
	return string(text[len(text)-sequenceDigits:])
}

// parseSequence reads a sequence number that formatSequence made.
func parseSequence(text string) (shard uint32, p position, err error) {
	n, ok := new(big.Int).SetString(text, 10)
	if len(text) != sequenceDigits || !ok || n.BitLen() != 186 {
		return 0, 0, fmt.Errorf("%q is not a sequence number of this server", text)
	}
	word := func(shift uint) uint64 {
		return new(big.Int).And(new(big.Int).Rsh(n, shift), new(big.Int).SetUint64(^uint64(0))).Uint64()
	}
	shard, p = uint32(word(4)), position(word(120))
	if formatSequence(shard, p) != text {
		return 0, 0, fmt.Errorf("%q is not a sequence number of this server", text)
	}
	return shard, p, nil
}
