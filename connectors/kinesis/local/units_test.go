package local

import (
	"crypto/md5"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestHashKey(t *testing.T) {
	f := func(key string) {
		t.Helper()
		sum := md5.Sum([]byte(key))
		want, _ := new(big.Int).SetString(hex.EncodeToString(sum[:]), 16)
		same(t, "hashKey("+key+")", hashKey(key).String(), want.String())
	}
	f("")
	f("a")
	f("sensor-77")
	f("schlüssel")
}

func TestParseHash(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got := "refused"
		if h, ok := parseHash(text); ok {
			got = h.String()
		}
		same(t, "parseHash("+text+")", got, want)
	}
	f("0", "0")
	f("18446744073709551616", "18446744073709551616")
	f("340282366920938463463374607431768211455", "340282366920938463463374607431768211455")
	f("340282366920938463463374607431768211456", "refused")
	f("999999999999999999999999999999999999999", "refused")
	f("", "refused")
	f("-1", "refused")
	f("12a", "refused")
}

// The ranges of any number of shards tile the space of 2^128 keys and differ by one key at most.
func TestEvenRangesTileTheSpace(t *testing.T) {
	for n := 1; n <= 300; n++ {
		ranges := evenRanges(n)
		total, least, most := new(big.Int), (*big.Int)(nil), (*big.Int)(nil)
		for i, r := range ranges {
			if i > 0 && ranges[i-1].Last.next() != r.First {
				t.Fatalf("%d shards: gap before range %d", n, i)
			}
			size := new(big.Int).Sub(r.Last.big(), r.First.big())
			size.Add(size, big.NewInt(1))
			total.Add(total, size)
			if least == nil || size.Cmp(least) < 0 {
				least = size
			}
			if most == nil || size.Cmp(most) > 0 {
				most = size
			}
		}
		if total.Cmp(new(big.Int).Lsh(big.NewInt(1), 128)) != 0 || ranges[0].First != (hash128{}) {
			t.Fatalf("%d shards: ranges sum to %v", n, total)
		}
		if new(big.Int).Sub(most, least).Cmp(big.NewInt(1)) > 0 {
			t.Fatalf("%d shards: sizes from %v to %v", n, least, most)
		}
	}
}

// The border of two shards is the one that Kinesis has.
func TestEvenRangesKnown(t *testing.T) {
	same(t, "end of first half", evenRanges(2)[0].Last.String(), "170141183460469231731687303715884105727")
	same(t, "start of second third", evenRanges(3)[1].First.String(), "113427455640312821154458202477256070485")
}

func TestSequenceNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shard, other := rapid.Uint32().Draw(t, "shard"), rapid.Uint32().Draw(t, "other")
		a := position(rapid.Uint64().Draw(t, "a"))
		b := position(rapid.Uint64().Draw(t, "b"))
		text := formatSequence(shard, a)
		if len(text) != 56 {
			t.Fatalf("%q has %d digits", text, len(text))
		}
		n, _ := new(big.Int).SetString(text, 10)
		want := new(big.Int).Lsh(big.NewInt(2), 184)
		want.Or(want, new(big.Int).Lsh(new(big.Int).SetUint64(uint64(a)), 120))
		want.Or(want, new(big.Int).Lsh(big.NewInt(int64(shard)), 4))
		want.Or(want, big.NewInt(2))
		if n.Cmp(want) != 0 {
			t.Fatalf("%q is not %v", text, want)
		}
		gotShard, gotPosition, err := parseSequence(text)
		if err != nil || gotShard != shard || gotPosition != a {
			t.Fatalf("parse of %q = %d %d %v", text, gotShard, gotPosition, err)
		}
		if a < b && strings.Compare(text, formatSequence(other, b)) >= 0 {
			t.Fatalf("order of %d and %d is lost", a, b)
		}
	})
}

func TestParseSequenceRefuses(t *testing.T) {
	for _, text := range []string{"", "0", "123", "-1", "x", strings.Repeat("9", 56), strings.Repeat("5", 56), formatSequence(1, 1) + "0"} {
		if _, _, err := parseSequence(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// A position grows whatever the clock does, and follows the clock when that moves on.
func TestSuccessor(t *testing.T) {
	f := func(p position, nowMs int64, want position) {
		t.Helper()
		same(t, "successor", p.successor(nowMs), want)
	}
	f(positionAt(5), 5, positionAt(5)+1)
	f(positionAt(5)+7, 5, positionAt(5)+8)
	f(positionAt(5)+7, 6, positionAt(6))
	f(positionAt(5)+7, 3, positionAt(5)+8)
	f(positionAt(6)-1, 5, positionAt(6))
}

func TestTimestampRounding(t *testing.T) {
	f := func(text string, wantMs int64) {
		t.Helper()
		var at timestamp
		if err := at.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		same(t, text+" in ms", at.millisUp(), wantMs)
	}
	f("1459799926.48", 1459799926480)
	f("1459799926.4801", 1459799926481)
	f("1459799926", 1459799926000)
	f("1.4597999264E9", 1459799926400)
	var at timestamp
	for _, bad := range []string{`"x"`, "1e300", "true"} {
		if at.UnmarshalJSON([]byte(bad)) == nil {
			t.Errorf("timestamp %s is accepted", bad)
		}
	}
}

func TestJSONOfStrings(t *testing.T) {
	for text, want := range map[string]string{"abc": `"abc"`, `a"b\`: `"a\"b\\"`, "ü\n": `"ü\n"`, "": `""`} {
		same(t, "json", string(appendJSONString(nil, text)), want)
	}
}

func FuzzTokens(f *testing.F) {
	s := &Server{secret: []byte("key"), opts: Options{Clock: newClock().Now, TokenTTL: time.Hour}}
	streams := []byte{tokenStreamPage}
	f.Add(s.encodeIterator(shardIterator{streamID: 1, shard: 2, next: 3, issuedMs: 4}))
	f.Add(s.encodeShardPage(shardPage{streamID: 1, after: 2, issuedMs: 3, filter: 4, filterMs: 5}))
	f.Add(s.encodeNamePage(streams, "name"))
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		// A token which is accepted must be one that we would write: nobody else can make the MAC.
		if it, err := s.decodeIterator(text); err == nil && s.encodeIterator(it) != text {
			t.Errorf("iterator %q is forged", text)
		}
		if p, err := s.decodeShardPage(text); err == nil && s.encodeShardPage(p) != text {
			t.Errorf("page %q is forged", text)
		}
		if n, err := s.decodeNamePage(streams, text); err == nil && s.encodeNamePage(streams, n) != text {
			t.Errorf("page %q is forged", text)
		}
	})
}

func TestTokensOfAnotherKeyOrKindAreRefused(t *testing.T) {
	one, two := &Server{secret: []byte("one")}, &Server{secret: []byte("two")}
	it := one.encodeIterator(shardIterator{streamID: 1})
	if _, err := one.decodeIterator(it); err != nil {
		t.Error(err)
	}
	if _, err := two.decodeIterator(it); err == nil {
		t.Error("an iterator of another server is accepted")
	}
	if _, err := one.decodeShardPage(it); err == nil {
		t.Error("an iterator is accepted as a page token")
	}
	if _, err := one.decodeIterator("A" + it[1:]); it[0] != 'A' && err == nil {
		t.Error("a changed iterator is accepted")
	}
}
