package fn

import "time"

// ParseInstant reads a moment by a pattern of Java's SimpleDateFormat, in the zone unless the text names
// one. ok is false where the text does not fit the pattern; an error means that the pattern is none.
func ParseInstant(pattern, text string, zone *time.Location) (t time.Time, ok bool, err error) {
	f, err := newTimeFormat(pattern, true)
	if err != nil {
		return t, false, err
	}
	us, ok := readSimple(f, text, zone)
	return time.UnixMicro(us).UTC(), ok, nil
}
