package local

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

const cborContentType = "application/x-amz-cbor-1.1"

// cborCodec is the binary format of the Java SDK: the members of the JSON form, but blobs are byte
// strings, and times are tag 1 with milliseconds (not seconds, as the CBOR standard has it).
type cborCodec struct{}

func (cborCodec) contentType() string { return cborContentType }

func (cborCodec) decode(body []byte, into any) error {
	if len(body) == 0 {
		return nil
	}
	return cbor.Unmarshal(body, into)
}

func (cborCodec) encode(value any) ([]byte, error) { return cbor.Marshal(value) }

// MarshalCBOR writes milliseconds under tag 1.
func (t timestamp) MarshalCBOR() ([]byte, error) {
	return cbor.Marshal(cbor.Tag{Number: 1, Content: int64(t) / 1000})
}

// UnmarshalCBOR reads milliseconds when the number is an integer and seconds when it has a fraction,
// tagged or not.
func (t *timestamp) UnmarshalCBOR(data []byte) error {
	var tagged cbor.RawTag
	if err := cbor.Unmarshal(data, &tagged); err == nil {
		data = tagged.Content
	}
	var ms int64
	if err := cbor.Unmarshal(data, &ms); err == nil {
		parsed, err := timestampOfSeconds(float64(ms) / 1000)
		*t = parsed
		return err
	}
	var seconds float64
	if err := cbor.Unmarshal(data, &seconds); err != nil {
		return fmt.Errorf("a timestamp must be a number: %w", err)
	}
	parsed, err := timestampOfSeconds(seconds)
	*t = parsed
	return err
}
