package jobserver

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"weir/internal/session"
)

// javaError is the class that clients are told errors have.
const javaError = "java.lang.Exception"

// maxJavaText bounds a text: Java's serialization has 16 bits for the length of a short one.
const maxJavaText = 30000

// failure is an error in the shape in which Flink's clients read it: with the error as a serialized Java object,
// which they insist on.
func failure(err error) map[string]any {
	text := javaText(session.HideText(err.Error()))
	return map[string]any{"class": javaError, "stack-trace": text, "serialized-throwable": base64.StdEncoding.EncodeToString(throwable(text))}
}

// javaText is a text that is the same in Java's own form of UTF-8: without NUL, and without characters that need
// more than 16 bits.
func javaText(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == 0 || r > 0xFFFF {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > maxJavaText {
		text = strings.ToValidUTF8(text[:maxJavaText], "")
	}
	return text
}

// Tags of Java's object serialization protocol.
const (
	tagNull      = 0x70
	tagReference = 0x71
	tagClass     = 0x72
	tagObject    = 0x73
	tagString    = 0x74
	tagArray     = 0x75
	tagEnd       = 0x78
	plainObject  = 2 // flags of a class: serializable
	ownObject    = 3 // and its objects end with a tagEnd
)

// javaStream writes that protocol.
type javaStream struct{ b []byte }

func (j *javaStream) tag(tags ...byte) { j.b = append(j.b, tags...) }

func (j *javaStream) name(s string) {
	j.b = append(binary.BigEndian.AppendUint16(j.b, uint16(len(s))), s...)
}

func (j *javaStream) text(s string) { j.tag(tagString); j.name(s) }

// class begins the description of a class, whose version is in hexadecimal digits.
func (j *javaStream) class(name, version string, flags byte, fields int) {
	j.tag(tagClass)
	j.name(name)
	v, err := hex.DecodeString(version)
	if err != nil {
		panic(err) // a constant
	}
	j.tag(append(v, flags, 0, byte(fields))...)
}

// field describes one; kind is L for an object, [ for an array. An empty type is that of the stream's first string.
func (j *javaStream) field(kind byte, name, typ string) {
	j.tag(kind)
	j.name(name)
	if typ == "" {
		j.tag(tagReference, 0, 0x7e, 0, 1)
		return
	}
	j.text(typ)
}

// throwable is an object of org.apache.flink.util.SerializedThrowable, without an original error.
func throwable(text string) []byte {
	j := &javaStream{[]byte{0xac, 0xed, 0, 5}}
	j.tag(tagObject)
	j.class("org.apache.flink.util.SerializedThrowable", "65169df51fa713f3", plainObject, 3)
	j.field('L', "fullStringifiedStackTrace", "Ljava/lang/String;")
	j.field('L', "originalErrorClassName", "")
	j.field('[', "serializedException", "[B")
	j.tag(tagEnd)
	j.class("java.lang.Exception", "d0fd1f3e1a3b1cc4", plainObject, 0)
	j.tag(tagEnd)
	j.class("java.lang.Throwable", "d5c635273977b8cb", ownObject, 4)
	j.field('L', "cause", "Ljava/lang/Throwable;")
	j.field('L', "detailMessage", "")
	j.field('[', "stackTrace", "[Ljava/lang/StackTraceElement;")
	j.field('L', "suppressedExceptions", "Ljava/util/List;")
	j.tag(tagEnd, tagNull)

	j.tag(tagNull) // no cause
	j.text(text)
	j.tag(tagArray)
	j.class("[Ljava.lang.StackTraceElement;", "02462a3c3cfd2239", plainObject, 0)
	j.tag(tagEnd, tagNull, 0, 0, 0, 0)
	j.tag(tagObject)
	j.class("java.util.Collections$EmptyList", "7ab817b43ca79ede", plainObject, 0)
	j.tag(tagEnd, tagNull, tagEnd)

	j.text(text)
	j.text(javaError)
	j.tag(tagNull)
	return j.b
}
