package local

import (
	"bytes"
	"encoding/base64"
	"strconv"
)

// jsonDecoder is a request which reads its own JSON: for the big ones, reflection costs too much. decodeJSON takes only
// the plain spelling that clients use; at anything else it gives up, leaves the request zero, and the
// general decoder starts.
type jsonDecoder interface {
	decodeJSON(body []byte) bool
}

// plainJSON reads JSON of known members and strings without escapes.
type plainJSON struct {
	rest []byte
}

// skip passes white space.
func (p *plainJSON) skip() {
	for len(p.rest) > 0 && (p.rest[0] == ' ' || p.rest[0] == '\n' || p.rest[0] == '\t' || p.rest[0] == '\r') {
		p.rest = p.rest[1:]
	}
}

// take passes one character of structure.
func (p *plainJSON) take(c byte) bool {
	p.skip()
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// text reads a string of printable ASCII without escapes; more is for the general decoder.
func (p *plainJSON) text() ([]byte, bool) {
	if !p.take('"') {
		return nil, false
	}
	end := bytes.IndexByte(p.rest, '"')
	if end < 0 {
		return nil, false
	}
	value := p.rest[:end]
	for _, c := range value {
		if c < ' ' || c == '\\' || c > '~' {
			return nil, false
		}
	}
	p.rest = p.rest[end+1:]
	return value, true
}

// members reads an object; value reads what belongs to a name. A name that comes twice is for the general decoder.
func (p *plainJSON) members(value func(name []byte) bool) bool {
	if !p.take('{') {
		return false
	}
	for first := true; !p.take('}'); first = false {
		if !first && !p.take(',') {
			return false
		}
		name, ok := p.text()
		if !ok || !p.take(':') || !value(name) {
			return false
		}
	}
	return true
}

func (p *plainJSON) stringInto(to **string) bool {
	text, ok := p.text()
	if !ok || *to != nil {
		return false
	}
	s := string(text)
	*to = &s
	return true
}

func (r *putRecordsRequest) decodeJSON(body []byte) bool {
	p := &plainJSON{body}
	// Base64 is a third longer than what it stands for, so all data fits.
	arena := make([]byte, 0, base64.StdEncoding.DecodedLen(len(body))+base64.StdEncoding.DecodedLen(4))
	ok := p.members(func(name []byte) bool {
		switch string(name) {
		case "StreamName":
			return p.stringInto(&r.StreamName)
		case "StreamARN":
			return p.stringInto(&r.StreamARN)
		case "Records":
			if r.Records != nil || !p.take('[') {
				return false
			}
			r.Records = make([]putRecordsEntry, 0, 64)
			for !p.take(']') {
				if len(r.Records) > 0 && !p.take(',') || len(r.Records) > maxPutRecords {
					return false
				}
				r.Records = append(r.Records, putRecordsEntry{})
				if !p.entry(&r.Records[len(r.Records)-1], &arena) {
					return false
				}
			}
			return true
		}
		return false
	})
	p.skip()
	if ok = ok && len(p.rest) == 0; !ok {
		*r = putRecordsRequest{}
	}
	return ok
}

func (p *plainJSON) entry(e *putRecordsEntry, arena *[]byte) bool {
	return p.members(func(name []byte) bool {
		switch string(name) {
		case "Data":
			text, ok := p.text()
			if !ok || e.Data != nil {
				return false
			}
			at := len(*arena)
			next, err := base64.StdEncoding.AppendDecode(*arena, text)
			*arena = next
			e.Data = next[at:len(next):len(next)]
			return err == nil
		case "PartitionKey":
			return p.stringInto(&e.PartitionKey)
		case "ExplicitHashKey":
			return p.stringInto(&e.ExplicitHashKey)
		}
		return false
	})
}

func (r *putRecordsResponse) appendJSON(dst []byte) []byte {
	if dst == nil {
		dst = make([]byte, 0, 128*len(r.Records)+128)
	}
	dst = append(dst, `{"FailedRecordCount":`...)
	dst = strconv.AppendInt(dst, int64(r.FailedRecordCount), 10)
	if r.EncryptionType != "" {
		dst = append(dst, `,"EncryptionType":`...)
		dst = appendJSONString(dst, r.EncryptionType)
	}
	dst = append(dst, `,"Records":[`...)
	for i := range r.Records {
		e := &r.Records[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		if e.ErrorCode != "" {
			dst = append(dst, `{"ErrorCode":`...)
			dst = appendJSONString(dst, e.ErrorCode)
			dst = append(dst, `,"ErrorMessage":`...)
			dst = appendJSONString(dst, e.ErrorMessage)
		} else {
			dst = append(dst, `{"SequenceNumber":"`...)
			dst = append(dst, e.SequenceNumber...)
			dst = append(dst, `","ShardId":"`...)
			dst = append(dst, e.ShardID...)
			dst = append(dst, '"')
		}
		dst = append(dst, '}')
	}
	return append(dst, "]}"...)
}
