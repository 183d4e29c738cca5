package format

import "bytes"

// Next implements Framing.
func (Lines) Next(data []byte, from int, final bool) (end, next int) {
	i := bytes.IndexByte(data[from:], '\n')
	if i < 0 {
		if !final {
			return -1, -1
		}
		return chomp(data, from, len(data)), len(data)
	}
	return chomp(data, from, from+i), from + i + 1
}

func chomp(data []byte, from, end int) int {
	if end > from && data[end-1] == '\r' {
		return end - 1
	}
	return end
}
