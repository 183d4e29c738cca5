package dynamodb

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	dtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The service's limits.
const (
	maxItemBytes      = 400 << 10
	maxRequestBytes   = 16 << 20 // of a request as it is sent
	maxRequestItems   = 25
	maxRequestKeys    = 100
	maxPartitionBytes = 2048
	maxSortBytes      = 1024
)

func sortedNames(it item) []string { return slices.Sorted(maps.Keys(it)) }

// itemSize is the size of an item as the service counts it, and about what it takes in a request.
func itemSize(it item) (size, wire int) {
	for name, v := range it {
		s, w := valueSize(v)
		size += len(name) + s
		wire += quotedSize(name) + 2 + w
	}
	return size, wire
}

func valueSize(v value) (size, wire int) {
	const around = 8 // {"S":""},
	switch v := v.(type) {
	case *dtypes.AttributeValueMemberS:
		return len(v.Value), quotedSize(v.Value) + around
	case *dtypes.AttributeValueMemberN:
		return numberSize(v.Value), len(v.Value) + around
	case *dtypes.AttributeValueMemberB:
		return len(v.Value), base64.StdEncoding.EncodedLen(len(v.Value)) + around
	case *dtypes.AttributeValueMemberM:
		size, wire = itemSize(v.Value)
		return size + 3 + len(v.Value), wire + around
	case *dtypes.AttributeValueMemberBOOL, *dtypes.AttributeValueMemberNULL:
		return 1, around + 8
	}
	list, _ := elements(v)
	size, wire = 3, around
	for _, e := range list {
		s, w := valueSize(e)
		size += s + 1
		wire += w
	}
	return size, wire
}

// numberSize is a byte for each two significant digits, and one or two more.
func numberSize(text string) int {
	digits, zeros := 0, 0
	for i := range len(text) {
		switch c := text[i]; {
		case c == 'e' || c == 'E':
			return digits/2 + 2
		case c == '0':
			zeros++ // counts only between other digits
		case c > '0' && c <= '9':
			if digits > 0 {
				digits += zeros
			}
			digits, zeros = digits+1, 0
		}
	}
	return (digits+1)/2 + 1
}

func quotedSize(s string) int {
	n := len(s) + 2
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c == '<', c == '>', c == '&':
			n += 5
		case c == '"' || c == '\\':
			n++
		}
	}
	return n
}

// itemJSON writes an item as the API does: {"id":{"S":"x"}}. Names are sorted, so equal items are equal texts.
func itemJSON(it item) []byte { return appendItem(nil, it) }

func appendItem(dst []byte, it item) []byte {
	dst = append(dst, '{')
	for i, name := range sortedNames(it) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, name), ':')
		dst = appendJSON(dst, it[name])
	}
	return append(dst, '}')
}

func appendJSON(dst []byte, v value) []byte {
	switch v := v.(type) {
	case *dtypes.AttributeValueMemberS:
		dst = appendText(append(dst, `{"S":`...), v.Value)
	case *dtypes.AttributeValueMemberN:
		dst = appendText(append(dst, `{"N":`...), v.Value)
	case *dtypes.AttributeValueMemberB:
		dst = base64.StdEncoding.AppendEncode(append(dst, `{"B":"`...), v.Value)
		dst = append(dst, '"')
	case *dtypes.AttributeValueMemberBOOL:
		dst = strconv.AppendBool(append(dst, `{"BOOL":`...), v.Value)
	case *dtypes.AttributeValueMemberM:
		dst = appendItem(append(dst, `{"M":`...), v.Value)
	case *dtypes.AttributeValueMemberL, *dtypes.AttributeValueMemberSS, *dtypes.AttributeValueMemberNS, *dtypes.AttributeValueMemberBS:
		list, _ := elements(v)
		dst = append(dst, `{"L":[`...) // a set reads as the list of its elements
		for i, e := range list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, e)
		}
		dst = append(dst, ']')
	default:
		dst = append(dst, `{"NULL":true`...)
	}
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// appendText writes a JSON string.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
