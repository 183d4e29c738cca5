package jobserver

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// failure is an error in the shape in which Flink's clients read it: a Java object, serialized.
func failure(err error) map[string]any {
	text := err.Error()
	if len(text) > 30000 {
		text = strings.ToValidUTF8(text[:30000], "")
	}
	return map[string]any{"class": "java.lang.Exception", "stack-trace": text, "serialized-throwable": base64.StdEncoding.EncodeToString(throwable(text))}
}

// throwable is an object of Flink's SerializedThrowable whose message is a text, as Java's serialization writes it.
func throwable(text string) []byte { return binary.BigEndian.AppendUint16(nil, uint16(len(text))) }
