package fn

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"weir/sql/types"
	"weir/sql/vec"
)

var hashFuncs = []*Func{
	digestFunc("MD5", 32, md5.New, "MD5('a')", "0cc175b9c0f1b6a831c399e269772661"),
	digestFunc("SHA1", 40, sha1.New, "SHA1('a')", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
	digestFunc("SHA224", 56, sha256.New224, "SHA224('a')", "abd37534c7d9a2efb9465de931cd7055ffdb8879563ae98078d6d6d5"),
	digestFunc("SHA256", 64, sha256.New, "SHA256('a')", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
	digestFunc("SHA384", 96, sha512.New384, "SHA384('a')", "54a59b9f22b0b80880d8427e548b7c23abd873486e1f035dce9cd697e85175033caa88e6d57bc35efae0b5afd3145f31"),
	digestFunc("SHA512", 128, sha512.New, "SHA512('a')", "1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f5302860c652bf08d560252aa5e74210546f369fbbbce8c12cfc7957b2652fe9a75"),
	declare("SHA2", "SHA2(string, bits)", "Gives the SHA-2 digest of 224, 256, 384 or 512 bits in hexadecimal.",
		sig{in: pp(pBinary, pInt), out: returns(types.VarCharType(128)), eval: textCtxEval(types.StringType, sha2Row)},
		"SHA2('a', 224)", "abd37534c7d9a2efb9465de931cd7055ffdb8879563ae98078d6d6d5", "SHA2('a', 1)", "error: no SHA-2 digest of 1 bits"),
	declare("TO_BASE64", "TO_BASE64(string)", "Gives the Base64 text of a text's UTF-8 bytes, or of bytes.",
		sig{in: pp(pBinary), out: returnsString, eval: textOf1(func(dst []byte, s string) []byte { return base64.StdEncoding.AppendEncode(dst, []byte(s)) })},
		"TO_BASE64('hello')", "aGVsbG8="),
	declare("FROM_BASE64", "FROM_BASE64(string)", "Reads Base64 as UTF-8 text; fails where it is not Base64.",
		sig{in: pp(pText), out: returnsString, eval: textCtxEval(types.StringType, fromBase64Row)}, "FROM_BASE64('aGVsbG8=')", "hello"),
	declare("HEX", "HEX(number or string)", "Gives the hexadecimal digits of an integer (64 bits where negative) or of a text's UTF-8 bytes, in upper case.",
		sig{in: pp(pHexable), out: returnsString, prep: bindHex}, "HEX(255)", "FF", "HEX('flink')", "666C696E6B"),
	declare("UNHEX", "UNHEX(string)", "Reads hexadecimal digits as bytes; NULL where there are others. As in Flink, of an odd number of digits the first is lost.",
		sig{in: pp(pText), out: returnsBytes, null: mayBeNull, eval: bytesEval(unhexRow)}, "CAST(UNHEX('6162') AS STRING)", "ab", "UNHEX('zz')", "NULL"),
	declare("BIN", "BIN(integer)", "Gives the binary digits of an integer, 64 of them where it is negative.",
		sig{in: pp(pInt), out: returnsString, eval: textEval(binRow)}, "BIN(10)", "1010"),
	declare("ENCODE", "ENCODE(string, charset)", "Gives the bytes of a text in a charset: US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE or UTF-16.",
		sig{in: pp(pText, pText), out: returnsBytes, eval: textCtxEval(types.BytesType, encodeRow)}, "HEX(DECODE(ENCODE('é', 'UTF-8'), 'UTF-8'))", "C3A9"),
	declare("DECODE", "DECODE(bytes, charset)", "Reads bytes as text of a charset: US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE or UTF-16.",
		sig{in: pp(pBytes, pText), out: returnsString, eval: textCtxEval(types.StringType, decodeRow)}, "DECODE(X'61', 'UTF-8')", "a"),
	declare("UUID", "UUID()", "Gives a random UUID (version 4), another for each row.",
		sig{out: returns(types.CharType(36)), null: neverNull, eval: uuidKernel, volatile: true}, "CHAR_LENGTH(UUID())", "36"),
	declare("INET_ATON", "INET_ATON(string)", "Gives an IPv4 address as a number; NULL where it is not one. Short forms as '1.2' are read as the C function does.",
		sig{in: pp(pText), out: returnsBigInt, null: mayBeNull, eval: fixedEval(types.BigIntType, inetAtonRow)}, "INET_ATON('1.2.3.4')", "16909060"),
	declare("INET_NTOA", "INET_NTOA(number)", "Gives the IPv4 address of a number; NULL outside of 32 bits.",
		sig{in: pp(pInt), out: returnsString, null: mayBeNull, eval: textEval(inetNtoaRow)}, "INET_NTOA(16909060)", "1.2.3.4"),
}

var pHexable = keep("an integer or a string", types.StringType, func(t types.Type) bool { return t.IsString() || t.IsInteger() })

func digestFunc(name string, length int, make func() hash.Hash, examples ...string) *Func {
	kernel := textEval(func(a []vec.Vec) textRow {
		s, h := vec.TextOf(a[0]), make()
		return func(dst []byte, i int) ([]byte, bool) { return appendDigest(dst, h, s.Bytes(i)), true }
	})
	return declare(name, name+"(string)", "Gives the "+name+" digest in hexadecimal.", sig{in: pp(pBinary), out: returns(types.CharType(length)), eval: kernel}, examples...)
}

func appendDigest(dst []byte, h hash.Hash, v []byte) []byte {
	h.Reset()
	h.Write(v)
	var sum [sha512.Size]byte
	return hex.AppendEncode(dst, h.Sum(sum[:0]))
}

func sha2Row(_ *Ctx, a []vec.Vec, fail *failure) textRow {
	s, size := vec.TextOf(a[0]), intsOf(a[1])
	made := map[int64]hash.Hash{224: sha256.New224(), 256: sha256.New(), 384: sha512.New384(), 512: sha512.New()}
	return func(dst []byte, i int) ([]byte, bool) {
		h := made[size.at(i)]
		if h == nil {
			fail.at(i, fmt.Errorf("there is no SHA-2 digest of %d bits; choose 224, 256, 384 or 512", size.at(i)))
			return nil, false
		}
		return appendDigest(dst, h, s.Bytes(i)), true
	}
}

func fromBase64Row(_ *Ctx, a []vec.Vec, fail *failure) textRow {
	s := vec.TextOf(a[0])
	return func(dst []byte, i int) ([]byte, bool) {
		v := strings.TrimRight(s.String(i), "=")
		out, err := base64.RawStdEncoding.AppendDecode(dst, []byte(v))
		if err != nil {
			fail.at(i, fmt.Errorf("FROM_BASE64: %q is not Base64", s.String(i)))
			return nil, false
		}
		return out, true
	}
}

func bindHex(args []Arg) (Kernel, error) {
	if args[0].Type.IsInteger() {
		return textEval(func(a []vec.Vec) textRow {
			v := intsOf(a[0])
			return func(dst []byte, i int) ([]byte, bool) {
				at := len(dst)
				dst = strconv.AppendUint(dst, uint64(v.at(i)), 16)
				upperASCII(dst[at:])
				return dst, true
			}
		}), nil
	}
	return textOf1(func(dst []byte, s string) []byte {
		at := len(dst)
		dst = hex.AppendEncode(dst, []byte(s))
		upperASCII(dst[at:])
		return dst
	}), nil
}

func upperASCII(b []byte) {
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
}

func unhexRow(a []vec.Vec) textRow {
	s := vec.TextOf(a[0])
	return func(dst []byte, i int) ([]byte, bool) {
		v := s.Bytes(i)
		if len(v)%2 == 1 {
			if !isHexDigit(v[0]) {
				return nil, false
			}
			dst, v = append(dst, 0), v[1:]
		}
		out, err := hex.AppendDecode(dst, v)
		return out, err == nil
	}
}

func isHexDigit(c byte) bool {
	return isDigitByte(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func binRow(a []vec.Vec) textRow {
	v := intsOf(a[0])
	return func(dst []byte, i int) ([]byte, bool) { return strconv.AppendUint(dst, uint64(v.at(i)), 2), true }
}

// charset is one of the character encodings that every Java has.
type charset struct {
	limit  rune // of one-byte charsets; 0 otherwise
	utf16  bool
	little bool
	mark   bool // UTF-16 writes a byte order mark and reads one
}

func charsetOf(name string) (charset, error) {
	switch strings.ToUpper(name) {
	case "US-ASCII", "ASCII":
		return charset{limit: 0x80}, nil
	case "ISO-8859-1", "LATIN1", "ISO8859_1":
		return charset{limit: 0x100}, nil
	case "UTF-8", "UTF8":
		return charset{}, nil
	case "UTF-16BE":
		return charset{utf16: true}, nil
	case "UTF-16LE":
		return charset{utf16: true, little: true}, nil
	case "UTF-16", "UTF16":
		return charset{utf16: true, mark: true}, nil
	}
	return charset{}, fmt.Errorf("%q is not a known charset; choose US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE or UTF-16", name)
}

func encodeRow(_ *Ctx, a []vec.Vec, fail *failure) textRow {
	return charsetRow(a, fail, func(c charset, dst []byte, v string) []byte {
		if c.mark {
			dst = append(dst, 0xfe, 0xff)
		}
		for _, r := range v {
			switch {
			case c.utf16:
				for _, u := range utf16.AppendRune(nil, r) {
					if c.little {
						dst = binary.LittleEndian.AppendUint16(dst, u)
					} else {
						dst = binary.BigEndian.AppendUint16(dst, u)
					}
				}
			case c.limit == 0:
				dst = utf8.AppendRune(dst, r)
			case r >= c.limit:
				dst = append(dst, '?')
			default:
				dst = append(dst, byte(r))
			}
		}
		return dst
	})
}

func decodeRow(_ *Ctx, a []vec.Vec, fail *failure) textRow {
	return charsetRow(a, fail, func(c charset, dst []byte, v string) []byte {
		switch {
		case c.utf16:
			return appendUTF16(dst, []byte(v), c)
		case c.limit == 0:
			return append(dst, strings.ToValidUTF8(v, "\ufffd")...)
		}
		for _, b := range []byte(v) {
			r := rune(b)
			if r >= c.limit {
				r = utf8.RuneError
			}
			dst = utf8.AppendRune(dst, r)
		}
		return dst
	})
}

func appendUTF16(dst, v []byte, c charset) []byte {
	if c.mark && len(v) >= 2 && (v[0] == 0xff && v[1] == 0xfe || v[0] == 0xfe && v[1] == 0xff) {
		c.little, v = v[0] == 0xff, v[2:]
	}
	var units []uint16
	for ; len(v) >= 2; v = v[2:] {
		if c.little {
			units = append(units, binary.LittleEndian.Uint16(v))
		} else {
			units = append(units, binary.BigEndian.Uint16(v))
		}
	}
	for _, r := range utf16.Decode(units) {
		dst = utf8.AppendRune(dst, r)
	}
	if len(v) > 0 {
		dst = utf8.AppendRune(dst, utf8.RuneError)
	}
	return dst
}

func charsetRow(a []vec.Vec, fail *failure, f func(c charset, dst []byte, v string) []byte) textRow {
	s, names := vec.TextOf(a[0]), vec.TextOf(a[1])
	var c charset
	last, known := "", false
	return func(dst []byte, i int) ([]byte, bool) {
		if name := names.String(i); !known || name != last {
			var err error
			if c, err = charsetOf(name); err != nil {
				fail.at(i, err)
				return nil, false
			}
			last, known = strings.Clone(name), true
		}
		return f(c, dst, s.String(i)), true
	}
}

func uuidKernel(c *Ctx, _ []vec.Vec, n int) (vec.Vec, error) {
	return vec.ColVec(textColumn(types.StringType, validity{n: n}, func(dst []byte, _ int) ([]byte, bool) {
		var u [16]byte
		binary.BigEndian.PutUint64(u[:8], c.Random())
		binary.BigEndian.PutUint64(u[8:], c.Random())
		u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
		for k, part := range [][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
			if k > 0 {
				dst = append(dst, '-')
			}
			dst = hex.AppendEncode(dst, part)
		}
		return dst, true
	})), nil
}

func inetAtonRow(a []vec.Vec) func(int) (int64, bool) {
	s := vec.TextOf(a[0])
	return func(i int) (int64, bool) {
		parts := strings.Split(s.String(i), ".")
		if len(parts) > 4 {
			return 0, false
		}
		out := int64(0)
		for k, p := range parts {
			n, rest, ok := leadingNumber(p, 0)
			limit, shift := int64(256), uint(24-8*k)
			if k == len(parts)-1 {
				limit, shift = 1<<(32-8*k), 0
			}
			if !ok || rest != "" || n >= limit {
				return 0, false
			}
			out |= n << shift
		}
		return out, true
	}
}

func inetNtoaRow(a []vec.Vec) textRow {
	v := intsOf(a[0])
	return func(dst []byte, i int) ([]byte, bool) {
		n := v.at(i)
		if n < 0 || n > 1<<32-1 {
			return nil, false
		}
		for k := 24; k >= 0; k -= 8 {
			dst = strconv.AppendInt(dst, n>>k&0xff, 10)
			if k > 0 {
				dst = append(dst, '.')
			}
		}
		return dst, true
	}
}
