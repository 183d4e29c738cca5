package local

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The patterns of the API model, each with the text by which errors name it.
type pattern struct {
	text string
	re   *regexp.Regexp
}

func newPattern(text string) pattern {
	return pattern{text: text, re: regexp.MustCompile("^(?:" + text + ")$")}
}

var (
	namePattern     = newPattern(`[a-zA-Z0-9_.-]+`)
	streamARNText   = newPattern(`arn:aws.*:kinesis:.*:\d{12}:stream/\S+`)
	consumerARNText = newPattern(`(arn):aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+`)
	hashKeyPattern  = newPattern(`0|([1-9]\d{0,38})`)
	sequencePattern = newPattern(`0|([1-9]\d{0,128})`)
)

// validation collects what the API model forbids in a request, so that one answer names every
// faulty member. Members are spelled as in the service's own messages: lower camel case.
type validation struct {
	faults []string
}

func (v *validation) fail(value, member, constraint string) {
	v.faults = append(v.faults, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: Member must %s", value, member, constraint))
}

// err is the ValidationException of all faults, nil when there is none.
func (v *validation) err() error {
	switch n := len(v.faults); n {
	case 0:
		return nil
	case 1:
		return newError("ValidationException", "1 validation error detected: %s", v.faults[0])
	default:
		return newError("ValidationException", "%d validation errors detected: %s", n, strings.Join(v.faults, "; "))
	}
}

// required refuses an absent member; it says whether the member is there.
func (v *validation) required(member string, present bool) bool {
	if !present {
		v.fail("null", member, "not be null")
	}
	return present
}

// text checks the length in characters and, when re is given, the form of a string that is present.
func (v *validation) text(member string, value *string, least, most int, p *pattern) {
	if value == nil {
		return
	}
	quoted := "'" + clip(*value) + "'"
	n := utf8.RuneCountInString(*value)
	if n < least {
		v.fail(quoted, member, "have length greater than or equal to "+strconv.Itoa(least))
	}
	if n > most {
		v.fail(quoted, member, "have length less than or equal to "+strconv.Itoa(most))
	}
	if p != nil && !p.re.MatchString(*value) {
		v.fail(quoted, member, "satisfy regular expression pattern: "+p.text)
	}
}

// clip keeps a hostile value from being echoed whole.
func clip(value string) string {
	return clipTo(value, 512)
}

func clipTo(value string, most int) string {
	if len(value) <= most {
		return value
	}
	return strings.ToValidUTF8(value[:most], "") + "..."
}

func (v *validation) number(member string, value *int, least, most int) {
	if value == nil {
		return
	}
	if *value < least {
		v.fail("'"+strconv.Itoa(*value)+"'", member, "have value greater than or equal to "+strconv.Itoa(least))
	}
	if *value > most {
		v.fail("'"+strconv.Itoa(*value)+"'", member, "have value less than or equal to "+strconv.Itoa(most))
	}
}

func (v *validation) oneOf(member string, value *string, allowed ...string) {
	if value == nil {
		return
	}
	for _, a := range allowed {
		if a == *value {
			return
		}
	}
	v.fail("'"+clip(*value)+"'", member, "satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
}

// streamName checks a stream name which must be there.
func (v *validation) streamName(value *string) {
	if v.required("streamName", value != nil) {
		v.text("streamName", value, 1, 128, &namePattern)
	}
}

// stream checks how a request refers to its stream.
func (v *validation) stream(ref *streamRef) {
	v.text("streamName", ref.StreamName, 1, 128, &namePattern)
	v.text("streamARN", ref.StreamARN, 1, 2048, &streamARNText)
}

// shardID checks a shard id which must be there.
func (v *validation) shardID(member string, value *string) {
	if v.required(member, value != nil) {
		v.text(member, value, 1, 128, &namePattern)
	}
}

func (v *validation) data(member string, data []byte, most int) {
	if v.required(member, data != nil) && len(data) > most {
		v.fail("of "+strconv.Itoa(len(data))+" bytes", member, "have length less than or equal to "+strconv.Itoa(most))
	}
}

func (v *validation) tags(tags map[string]string) {
	if tags != nil && len(tags) == 0 {
		v.fail("'{}'", "tags", "have length greater than or equal to 1")
	}
	if len(tags) > 200 {
		v.fail("of "+strconv.Itoa(len(tags))+" entries", "tags", "have length less than or equal to 200")
	}
	for key, value := range tags {
		v.text("tags.key", &key, 1, 128, nil)
		v.text("tags."+clip(key)+".member", &value, 0, 256, nil)
	}
}

func (v *validation) tagKeys(keys []string) {
	if !v.required("tagKeys", keys != nil) {
		return
	}
	if n := len(keys); n < 1 || n > maxTags {
		v.fail("of "+strconv.Itoa(n)+" entries", "tagKeys", "have length between 1 and "+strconv.Itoa(maxTags))
	}
	for i := range keys {
		v.text("tagKeys", &keys[i], 1, 128, nil)
	}
}
