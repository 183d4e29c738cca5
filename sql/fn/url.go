package fn

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

var urlFuncs = []*Func{
	declare("PARSE_URL", "PARSE_URL(url, part[, key])", "Gives a part of a URL: PROTOCOL, AUTHORITY, USERINFO, HOST, PATH, QUERY, FILE or REF (in upper case); with QUERY, the value of a key. NULL where the text is no URL or has no such part.",
		sig{in: pp(pText, pText, pText), opt: 1, out: returnsString, null: mayBeNull, prep: bindParseURL},
		"PARSE_URL('http://a.com/p?k1=v1&k2=v2#r', 'QUERY', 'k2')", "v2", "PARSE_URL('http://a.com/p?k1=v1#r', 'HOST')", "a.com"),
	declare("URL_ENCODE", "URL_ENCODE(string)", "Writes a text as application/x-www-form-urlencoded, in UTF-8.",
		sig{in: pp(pText), out: returnsString, null: mayBeNull, eval: textOf1(appendURLEncoded)}, "URL_ENCODE('a b&c')", "a+b%26c"),
	declare("URL_DECODE", "URL_DECODE(string[, recursive])", "Reads application/x-www-form-urlencoded, in UTF-8, again and again where recursive; NULL where it is not.",
		sig{in: pp(pText, pBool), opt: 1, out: returnsString, null: mayBeNull, eval: textEval(urlDecodeRow(false))}, "URL_DECODE('a+b%26c')", "a b&c"),
	declare("URL_DECODE_RECURSIVE", "URL_DECODE_RECURSIVE(string)", "Is URL_DECODE until nothing changes. Flink 2.3 does not have it.",
		sig{in: pp(pText), out: returnsString, null: mayBeNull, eval: textEval(urlDecodeRow(true))}, "URL_DECODE_RECURSIVE('a%2520b')", "a b"),
}

// urlParts is a URL taken apart in the way of java.net.URL. An absent part has ok false.
type urlParts struct {
	protocol, authority, userInfo, host, path, query, ref string
	hasAuthority, hasUser, hasQuery, hasRef               bool
}

// urlProtocols are the ones that a Java URL may have.
const urlProtocols = " http https ftp file jar mailto jrt jmod "

func splitURL(s string) (u urlParts, ok bool) {
	s = strings.TrimSpace(s)
	if len(s) >= 4 && strings.EqualFold(s[:4], "url:") {
		s = s[4:]
	}
	protocol, rest, found := strings.Cut(s, ":")
	u.protocol = strings.ToLower(protocol)
	if !found || strings.ContainsAny(u.protocol, " /") || u.protocol == "" || !strings.Contains(urlProtocols, " "+u.protocol+" ") {
		return u, false
	}
	rest, u.ref, u.hasRef = strings.Cut(rest, "#")
	if u.protocol == "mailto" {
		u.path, u.query, u.hasQuery = strings.Cut(rest, "?")
		return u, true
	}
	rest, u.query, u.hasQuery = strings.Cut(rest, "?")
	if !strings.HasPrefix(rest, "//") {
		u.path = rest
		return u, true
	}
	rest = rest[2:]
	slash := strings.IndexByte(rest, '/')
	if slash < 0 {
		slash = len(rest)
	}
	u.authority, u.path, u.hasAuthority = rest[:slash], rest[slash:], true
	return u, u.splitAuthority()
}

// splitAuthority takes user and port off; the port must be a number.
func (u *urlParts) splitAuthority() bool {
	u.host = u.authority
	if at := strings.LastIndexByte(u.host, '@'); at >= 0 && strings.Count(u.host, "@") == 1 {
		u.userInfo, u.host, u.hasUser = u.host[:at], u.host[at+1:], true
	}
	colon := strings.LastIndexByte(u.host, ':')
	if colon < strings.LastIndexByte(u.host, ']') {
		colon = -1
	}
	if colon >= 0 {
		if port := u.host[colon+1:]; port != "" {
			if n, err := strconv.Atoi(port); err != nil || n < -1 {
				return false
			}
		}
		u.host = u.host[:colon]
	}
	return true
}

func (u *urlParts) part(name string) (string, bool) {
	switch name {
	case "PROTOCOL":
		return u.protocol, true
	case "AUTHORITY":
		return u.authority, u.hasAuthority
	case "USERINFO":
		return u.userInfo, u.hasUser
	case "HOST":
		return u.host, true
	case "PATH":
		return u.path, true
	case "QUERY":
		return u.query, u.hasQuery
	case "FILE":
		if u.hasQuery {
			return u.path + "?" + u.query, true
		}
		return u.path, true
	case "REF":
		return u.ref, u.hasRef
	}
	return "", false
}

func bindParseURL([]Arg) (Kernel, error) {
	return eval(types.StringType, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		s, part := vec.TextOf(a[0]), vec.TextOf(a[1])
		var key vec.Text
		if len(a) > 2 {
			key = vec.TextOf(a[2])
		}
		keys := &keyPatterns{}
		return textColumn(types.StringType, m, func(dst []byte, i int) ([]byte, bool) {
			u, ok := splitURL(s.String(i))
			if !ok {
				return nil, false
			}
			name := part.String(i)
			v, ok := u.part(name)
			if len(a) > 2 {
				if ok = ok && name == "QUERY"; ok {
					v, ok = keys.find(v, key.String(i))
				}
			}
			return append(dst, v...), ok
		})
	}), nil
}

// keyPatterns finds the value of a key in a query; the key is part of a regular expression, as in Flink.
type keyPatterns struct {
	last string
	re   *pattern
	err  error
}

func (k *keyPatterns) find(query, key string) (string, bool) {
	if isPlainKey(key) {
		for pair := range strings.SplitSeq(query, "&") {
			if name, v, ok := strings.Cut(pair, "="); ok && name == key {
				return v, true
			}
		}
		return "", false
	}
	if k.re == nil || k.last != key {
		k.last = strings.Clone(key)
		k.re, k.err = compilePattern("(&|^)" + key + "=([^&]*)")
	}
	if k.err != nil {
		return "", false
	}
	span := k.re.find(query)
	if len(span) < 6 {
		return "", false
	}
	return query[span[4]:span[5]], true
}

func isPlainKey(key string) bool {
	return regexp.QuoteMeta(key) == key && !strings.ContainsAny(key, "&=")
}

const upperHex = "0123456789ABCDEF"

func appendURLEncoded(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isLetterByte(c) || isDigitByte(c) || c == '.' || c == '-' || c == '*' || c == '_':
			dst = append(dst, c)
		case c == ' ':
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// maxDecodes bounds the rounds of a recursive URL_DECODE.
const maxDecodes = 100

func urlDecodeRow(always bool) func(a []vec.Vec) textRow {
	return func(a []vec.Vec) textRow {
		s := vec.TextOf(a[0])
		again := func(int) bool { return always }
		if len(a) > 1 {
			b := boolsOf(a[1])
			again = b.at
		}
		return func(dst []byte, i int) ([]byte, bool) {
			v, ok := urlDecode(s.String(i))
			for round := 0; ok && again(i) && round < maxDecodes; round++ {
				next, fine := urlDecode(v)
				if !fine || next == v {
					break
				}
				v = next
			}
			return append(dst, v...), ok
		}
	}
}

func urlDecode(s string) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", false
			}
			out = append(out, byte(n))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return strings.ToValidUTF8(string(out), "\ufffd"), true
}
