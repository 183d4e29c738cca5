package local

import (
	"encoding/binary"
	"hash/crc32"
)

const eventStreamType = "application/vnd.amazon.eventstream"

// appendEvent frames one message of an event stream: lengths and their CRC, headers, payload, CRC of all. Every
// header is a string, whose type is 7.
func appendEvent(dst []byte, eventType, contentType string, payload []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, 12)...)
	for _, h := range [][2]string{{":message-type", "event"}, {":event-type", eventType}, {":content-type", contentType}} {
		dst = append(dst, byte(len(h[0])))
		dst = append(dst, h[0]...)
		dst = append(dst, 7)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(h[1])))
		dst = append(dst, h[1]...)
	}
	headers := len(dst) - start - 12
	dst = append(dst, payload...)
	frame := dst[start:]
	binary.BigEndian.PutUint32(frame, uint32(len(frame)+4))
	binary.BigEndian.PutUint32(frame[4:], uint32(headers))
	binary.BigEndian.PutUint32(frame[8:], crc32.ChecksumIEEE(frame[:8]))
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(frame))
}
