package local

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// Tokens are opaque to clients: fixed fields, then a MAC over them with a key kept in the store, so a made-up
// token is refused and an honest one survives a restart.
const (
	tokenIterator     = 1
	tokenShardPage    = 2
	tokenStreamPage   = 3
	tokenConsumerPage = 4
	macBytes          = 16
)

var errBadToken = errors.New("not a token of this server")

// shardIterator says where in which shard reading goes on, and when the iterator was given out.
type shardIterator struct {
	streamID uint64
	shard    uint32
	next     position // the first position not yet read
	issuedMs int64
}

func (s *Server) encodeIterator(it shardIterator) string {
	fields := make([]byte, 0, 29+macBytes)
	fields = append(fields, tokenIterator)
	fields = binary.BigEndian.AppendUint64(fields, it.streamID)
	fields = binary.BigEndian.AppendUint32(fields, it.shard)
	fields = binary.BigEndian.AppendUint64(fields, uint64(it.next))
	fields = binary.BigEndian.AppendUint64(fields, uint64(it.issuedMs))
	return s.seal(fields)
}

func (s *Server) decodeIterator(text string) (shardIterator, error) {
	fields, err := s.unseal(text)
	if err != nil || len(fields) != 29 || fields[0] != tokenIterator {
		return shardIterator{}, errBadToken
	}
	return shardIterator{
		streamID: binary.BigEndian.Uint64(fields[1:]),
		shard:    binary.BigEndian.Uint32(fields[9:]),
		next:     position(binary.BigEndian.Uint64(fields[13:])),
		issuedMs: int64(binary.BigEndian.Uint64(fields[21:])),
	}, nil
}

// shardPage is the NextToken of ListShards: it carries the whole request, since a follow-up call may
// name nothing else.
type shardPage struct {
	streamID uint64
	after    uint32 // the last shard index given
	issuedMs int64
	filter   byte // index into shardFilterTypes
	filterMs int64
}

func (s *Server) encodeShardPage(p shardPage) string {
	fields := make([]byte, 0, 30+macBytes)
	fields = append(fields, tokenShardPage)
	fields = binary.BigEndian.AppendUint64(fields, p.streamID)
	fields = binary.BigEndian.AppendUint32(fields, p.after)
	fields = binary.BigEndian.AppendUint64(fields, uint64(p.issuedMs))
	fields = append(fields, p.filter)
	fields = binary.BigEndian.AppendUint64(fields, uint64(p.filterMs))
	return s.seal(fields)
}

func (s *Server) decodeShardPage(text string) (shardPage, error) {
	fields, err := s.unseal(text)
	if err != nil || len(fields) != 30 || fields[0] != tokenShardPage {
		return shardPage{}, errBadToken
	}
	return shardPage{
		streamID: binary.BigEndian.Uint64(fields[1:]),
		after:    binary.BigEndian.Uint32(fields[9:]),
		issuedMs: int64(binary.BigEndian.Uint64(fields[13:])),
		filter:   fields[21],
		filterMs: int64(binary.BigEndian.Uint64(fields[22:])),
	}, nil
}

func (s *Server) seal(fields []byte) string {
	return base64.StdEncoding.EncodeToString(append(fields, s.mac(fields)...))
}

func (s *Server) unseal(text string) ([]byte, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	// The decoder skips line breaks; a token has one spelling.
	if err != nil || len(raw) < macBytes || strings.ContainsAny(text, "\r\n") {
		return nil, errBadToken
	}
	fields, mac := raw[:len(raw)-macBytes], raw[len(raw)-macBytes:]
	if !hmac.Equal(mac, s.mac(fields)) {
		return nil, errBadToken
	}
	return fields, nil
}

func (s *Server) mac(fields []byte) []byte {
	h := hmac.New(sha256.New, s.secret)
	h.Write(fields)
	return h.Sum(nil)[:macBytes]
}

// encodeNamePage makes the NextToken of a list in order of names: a prefix which tells the lists apart, the time, the last
// name given.
func (s *Server) encodeNamePage(prefix []byte, last string) string {
	fields := binary.BigEndian.AppendUint64(slices.Clone(prefix), uint64(s.nowMs()))
	return s.seal(append(fields, last...))
}

func (s *Server) decodeNamePage(prefix []byte, text string) (last string, err error) {
	fields, err := s.unseal(text)
	rest, ours := bytes.CutPrefix(fields, prefix)
	if err != nil || !ours || len(rest) < 8 {
		return "", invalidArgument("NextToken %s is invalid.", clip(text))
	}
	return string(rest[8:]), s.checkTokenAge(int64(binary.BigEndian.Uint64(rest)))
}

func (s *Server) checkTokenAge(issuedMs int64) error {
	if s.nowMs()-issuedMs > s.opts.TokenTTL.Milliseconds() {
		return newError("ExpiredNextTokenException", "NextToken expired: it is good for %v.", s.opts.TokenTTL)
	}
	return nil
}
