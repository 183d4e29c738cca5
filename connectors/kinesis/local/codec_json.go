package local

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

const jsonContentType = "application/x-amz-json-1.1"

// jsonCodec is AWS JSON 1.1: blobs in base64, times in seconds since the epoch with a fraction.
type jsonCodec struct{}

func (jsonCodec) contentType() string { return jsonContentType }

func (jsonCodec) decode(body []byte, into any) error {
	if len(body) == 0 {
		return nil
	}
	if d, ok := into.(jsonDecoder); ok && d.decodeJSON(body) {
		return nil
	}
	return json.Unmarshal(body, into)
}

// jsonAppender is a response which writes its own JSON: for the big ones, reflection costs too much.
type jsonAppender interface {
	appendJSON(dst []byte) []byte
}

func (jsonCodec) encode(value any) ([]byte, error) {
	if a, ok := value.(jsonAppender); ok {
		return a.appendJSON(nil), nil
	}
	return json.Marshal(value)
}

// MarshalJSON writes seconds with up to three decimals, as Kinesis does.
func (t timestamp) MarshalJSON() ([]byte, error) { return appendSeconds(nil, t), nil }

// UnmarshalJSON reads seconds, with or without a fraction.
func (t *timestamp) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	var seconds float64
	if err := json.Unmarshal(text, &seconds); err != nil {
		return err
	}
	parsed, err := timestampOfSeconds(seconds)
	*t = parsed
	return err
}

func appendSeconds(dst []byte, t timestamp) []byte {
	return strconv.AppendFloat(dst, float64(int64(t)/1000)/1000, 'f', -1, 64)
}

func appendJSONString(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, err := json.Marshal(s)
			if err != nil {
				panic("a string always has a JSON form: " + err.Error())
			}
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

func (r *getRecordsResponse) appendJSON(dst []byte) []byte {
	if r.written != nil {
		dst = r.written
	}
	for i := range r.Records {
		dst = r.Records[i].appendJSON(openRecords(dst))
	}
	if len(dst) == 0 {
		dst = append(dst, recordsHead...)
	}
	dst = append(dst, `],"MillisBehindLatest":`...)
	dst = strconv.AppendInt(dst, r.MillisBehindLatest, 10)
	if r.NextShardIterator != "" {
		dst = append(dst, `,"NextShardIterator":`...)
		dst = appendJSONString(dst, r.NextShardIterator)
	}
	if len(r.ChildShards) > 0 {
		children, err := json.Marshal(r.ChildShards)
		if err != nil {
			panic("child shards always have a JSON form: " + err.Error())
		}
		dst = append(append(dst, `,"ChildShards":`...), children...)
	}
	return append(dst, '}')
}

const recordsHead = `{"Records":[`

// openRecords makes room for one more record: it begins the answer, or separates two records.
func openRecords(dst []byte) []byte {
	if len(dst) == 0 {
		return append(dst, recordsHead...)
	}
	return append(dst, ',')
}

func (r *recordShape) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"SequenceNumber":"`...)
	dst = append(dst, r.SequenceNumber...)
	dst = append(dst, `","ApproximateArrivalTimestamp":`...)
	dst = appendSeconds(dst, r.ApproximateArrivalTimestamp)
	dst = append(dst, `,"Data":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, r.Data)
	dst = append(dst, `","PartitionKey":`...)
	dst = appendJSONString(dst, r.PartitionKey)
	if r.EncryptionType != "" {
		dst = append(dst, `,"EncryptionType":`...)
		dst = appendJSONString(dst, r.EncryptionType)
	}
	return append(dst, '}')
}
