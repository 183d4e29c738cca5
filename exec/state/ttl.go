package state

import (
	"encoding/binary"
	"time"
)

// stampSize is the size of the stamp before a value that expires.
const stampSize = 8

// Stamp appends the time of the write, milliseconds of the processing clock, before a value that expires.
func Stamp(dst []byte, nowMillis int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(nowMillis))
}

// Fresh parts a stamped value. ok is false when it expired: ttl after its last write, inclusive. A
// zero ttl never expires.
func Fresh(stamped []byte, ttl time.Duration, nowMillis int64) (value []byte, ok bool) {
	written := int64(binary.BigEndian.Uint64(stamped))
	return stamped[stampSize:], ttl <= 0 || nowMillis < written+ttl.Milliseconds()
}
