package local

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"unicode"
	"unicode/utf8"
)

const (
	maxUnpacked  = 1 << 20 // of a compressed record
	maxHexBytes  = 256     // shown of a binary record
	maxUserShown = 10_000  // records of one aggregate
)

// View is a record made readable, for people.
type View struct {
	PartitionKey string `json:"key"`
	Sub          int    `json:"sub"` // place in an aggregate of the Kinesis Producer Library, -1 outside
	// Form is "json", "text" or "hex", after "gzip " when the data was compressed.
	Form string `json:"form"`
	Text string `json:"text"`
	Size int    `json:"size"` // of the data in bytes
}

// ViewRecord reads what a record holds: an aggregate of the Kinesis Producer Library as its user records, anything
// else as one. It fails on nothing: what it does not know is shown as hex digits.
func ViewRecord(partitionKey string, data []byte) []View {
	if users, err := deaggregate(data); err == nil {
		views := make([]View, len(users))
		for i, u := range users {
			views[i] = viewOf(u.key, u.data)
			views[i].Sub = i
		}
		return views
	}
	return []View{viewOf(partitionKey, data)}
}

func viewOf(key string, data []byte) View {
	v := View{PartitionKey: key, Sub: -1, Size: len(data)}
	if plain, ok := unzip(data); ok {
		v.Form, data = "gzip ", plain
	}
	var compact bytes.Buffer
	switch {
	case json.Compact(&compact, data) == nil:
		v.Form, v.Text = v.Form+"json", compact.String()
	case readable(data):
		v.Form, v.Text = v.Form+"text", string(data)
	default:
		v.Form, v.Text = v.Form+"hex", hex.EncodeToString(data[:min(len(data), maxHexBytes)])
		if len(data) > maxHexBytes {
			v.Text += "..."
		}
	}
	return v
}

func unzip(data []byte) ([]byte, bool) {
	if len(data) < 3 || data[0] != 0x1f || data[1] != 0x8b {
		return nil, false
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, false
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxUnpacked))
	return plain, err == nil
}

// readable says whether the data is text without control characters other than white space.
func readable(data []byte) bool {
	if !utf8.Valid(data) {
		return false
	}
	for _, c := range string(data) {
		if unicode.IsControl(c) && !unicode.IsSpace(c) {
			return false
		}
	}
	return true
}

// userRecord is a record which a producer put into an aggregate.
type userRecord struct {
	key  string
	data []byte
}

var (
	aggregateMagic  = []byte{0xf3, 0x89, 0x9a, 0xc2}
	errNotAggregate = errors.New("not an aggregated record")
)

// deaggregate reads the form of the Kinesis Producer Library: four magic bytes, a protobuf message, its MD5. Field 1 of
// the message is the table of partition keys, field 3 a record with an index into that table and its data.
func deaggregate(data []byte) ([]userRecord, error) {
	body, ok := bytes.CutPrefix(data, aggregateMagic)
	if !ok || len(body) < md5.Size {
		return nil, errNotAggregate
	}
	body, sum := body[:len(body)-md5.Size], body[len(body)-md5.Size:]
	if actual := md5.Sum(body); !bytes.Equal(actual[:], sum) {
		return nil, errNotAggregate
	}
	var keys []string
	var records [][]byte
	err := protoFields(body, func(field int, _ uint64, bytes []byte) error {
		switch field {
		case 1:
			keys = append(keys, string(bytes))
		case 3:
			records = append(records, bytes)
		}
		if len(records) > maxUserShown {
			return errNotAggregate
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	users := make([]userRecord, len(records))
	for i, record := range records {
		index := uint64(len(keys))
		err := protoFields(record, func(field int, number uint64, bytes []byte) error {
			switch field {
			case 1:
				index = number
			case 3:
				users[i].data = bytes
			}
			return nil
		})
		if err != nil || index >= uint64(len(keys)) {
			return nil, errNotAggregate
		}
		users[i].key = keys[index]
	}
	return users, nil
}

// protoFields calls f for each field of a protobuf message: a varint gives its number, a length-delimited one its bytes.
func protoFields(message []byte, f func(field int, number uint64, bytes []byte) error) error {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 {
			return errNotAggregate
		}
		message = message[n:]
		number, n := uint64(0), 0
		var value []byte
		switch tag & 7 {
		case 0:
			if number, n = binary.Uvarint(message); n <= 0 {
				return errNotAggregate
			}
		case 1:
			n = 8
		case 2:
			size, used := binary.Uvarint(message)
			if used <= 0 || size > uint64(len(message)-used) {
				return errNotAggregate
			}
			value, n = message[used:used+int(size)], used+int(size)
		case 5:
			n = 4
		default:
			return errNotAggregate
		}
		if n > len(message) {
			return errNotAggregate
		}
		if err := f(int(tag>>3), number, value); err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}
