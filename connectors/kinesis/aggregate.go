package kinesis

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"math/big"
)

// Records of the Kinesis Producer Library hold several user records: four magic bytes, a protocol buffer
// (1: table of partition keys, 2: table of explicit hash keys, 3: records of {1: index of the key, 2: index of
// the hash key, 3: data}), and the MD5 of that buffer.
var aggregateMagic = []byte{0xF3, 0x89, 0x9A, 0xC2}

// userRecord is one record inside an aggregated one. Its data points into it.
type userRecord struct {
	key, hashKey string // hashKey is "" where the producer gave none
	data         []byte
}

// deaggregate gives the user records of an aggregated record. ok is false when the data is something else: then
// it is a record like any other, whatever its first bytes are.
func deaggregate(data []byte) (recs []userRecord, ok bool) {
	if !bytes.HasPrefix(data, aggregateMagic) || len(data) < len(aggregateMagic)+md5.Size {
		return nil, false
	}
	body := data[len(aggregateMagic) : len(data)-md5.Size]
	if sum := md5.Sum(body); !bytes.Equal(sum[:], data[len(data)-md5.Size:]) {
		return nil, false
	}
	var keys, hashes []string
	var raw [][]byte
	ok = walk(body, func(field int, _ uint64, text []byte) {
		switch field {
		case 1:
			keys = append(keys, string(text))
		case 2:
			hashes = append(hashes, string(text))
		case 3:
			raw = append(raw, text)
		}
	})
	if !ok {
		return nil, false
	}
	recs = make([]userRecord, len(raw))
	for i, r := range raw {
		if recs[i], ok = oneUserRecord(r, keys, hashes); !ok {
			return nil, false
		}
	}
	return recs, true
}

func oneUserRecord(raw []byte, keys, hashes []string) (userRecord, bool) {
	var out userRecord
	key, hash := uint64(0), uint64(0)
	hashed := false
	ok := walk(raw, func(field int, n uint64, text []byte) {
		switch field {
		case 1:
			key = n
		case 2:
			hash, hashed = n, true
		case 3:
			out.data = text
		}
	})
	if !ok || key >= uint64(len(keys)) || hashed && hash >= uint64(len(hashes)) {
		return out, false
	}
	out.key = keys[key]
	if hashed {
		out.hashKey = hashes[hash]
	}
	return out, true
}

// walk gives each field of a protocol buffer message: a number, or bytes that point into it. It is false where
// the message is damaged.
func walk(msg []byte, field func(number int, n uint64, text []byte)) bool {
	for len(msg) > 0 {
		tag, w := binary.Uvarint(msg)
		if w <= 0 || tag>>3 == 0 || tag>>3 > 1<<29 {
			return false
		}
		msg = msg[w:]
		switch tag & 7 {
		case 0:
			n, w := binary.Uvarint(msg)
			if w <= 0 {
				return false
			}
			field(int(tag>>3), n, nil)
			msg = msg[w:]
		case 2:
			n, w := binary.Uvarint(msg)
			if w <= 0 || n > uint64(len(msg)-w) {
				return false
			}
			field(int(tag>>3), 0, msg[w:w+int(n)])
			msg = msg[w+int(n):]
		case 1, 5: // fixed widths: of later versions
			size := 4
			if tag&7 == 1 {
				size = 8
			}
			if len(msg) < size {
				return false
			}
			msg = msg[size:]
		default:
			return false
		}
	}
	return true
}

// hashRange is a shard's part of the key space, both ends in it, as 16 bytes big-endian.
type hashRange struct{ first, last [16]byte }

func parseHashRange(first, last string) (r hashRange, ok bool) {
	a, ok1 := parseHash(first)
	b, ok2 := parseHash(last)
	return hashRange{a, b}, ok1 && ok2
}

func parseHash(text string) (out [16]byte, ok bool) {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok || n.Sign() < 0 || n.BitLen() > 128 {
		return out, false
	}
	n.FillBytes(out[:])
	return out, true
}

// owns tells whether a user record belongs to the shard. A producer whose picture of the shards is out of
// date sends the records that went astray again, so that those in the wrong shard must be passed over.
func (r hashRange) owns(u userRecord) bool {
	hash, ok := parseHash(u.hashKey)
	if !ok {
		hash = md5.Sum([]byte(u.key))
	}
	return bytes.Compare(hash[:], r.first[:]) >= 0 && bytes.Compare(hash[:], r.last[:]) <= 0
}
