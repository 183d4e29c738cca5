package httpconn

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Where a value stands in a URL, or in a body.
type place uint8

const (
	inPath   place = iota
	inQuery        // and in a form
	asURL          // the value is the beginning of the URL
	inJSON         // a JSON value
	inString       // within the quotes of a JSON string
	inText
)

// part is a piece of a template: a text, or a column's value.
type part struct {
	text  string
	shown string // the text as errors may show it
	col   int    // of the batch; -1: the text
	place place
}

// template is a text with values in it.
type template []part

var hole = regexp.MustCompile(`\{\{\s*([^{}\s]+)\s*\}\}|\{([^{}\s"':,]+)\}`)

// columns tells whether a value is in it.
func (t template) columns() (cols []int) {
	for _, p := range t {
		if p.col >= 0 {
			cols = append(cols, p.col)
		}
	}
	return cols
}

// cut takes a text apart. find gives the column of a name, or -1; at gives the place of a value behind a text.
func cut(text string, find func(name string) int, at func(before string) place) (t template, unknown []string) {
	from := 0
	for _, m := range hole.FindAllStringSubmatchIndex(text, -1) {
		double := m[2] >= 0
		name := ""
		if double {
			name = text[m[2]:m[3]]
		} else {
			name = text[m[4]:m[5]]
		}
		col := find(name)
		if col < 0 {
			if double {
				name = "{" + name + "}"
			}
			unknown = append(unknown, "{"+name+"}")
			continue
		}
		t = append(t, part{text: text[from:m[0]], col: -1}, part{col: col, place: at(text[:m[0]])})
		from = m[1]
	}
	return append(t, part{text: text[from:], col: -1}), unknown
}

// urlTemplate takes a URL apart and checks it. names maps what stands in braces to columns.
func urlTemplate(text string, names map[string]int) (template, error) {
	find := func(name string) int {
		if i, ok := names[name]; ok {
			return i
		}
		return -1
	}
	t, unknown := cut(text, find, func(before string) place {
		switch {
		case before == "":
			return asURL
		case strings.ContainsAny(before, "?#"):
			return inQuery
		}
		return inPath
	})
	if len(unknown) > 0 {
		return nil, fmt.Errorf("option \"url\": %s stands for no column that has a value here: name a column of the table (in a lookup join one that it compares), or give 'http.request.url-map'", unknown[0])
	}
	query := false
	for i := range t {
		t[i].shown = t[i].text
		if t[i].col < 0 {
			t[i].shown, query = hideQuery(t[i].text, query)
		}
	}
	if len(t) > 1 && t[0].text == "" && t[1].place == asURL {
		return t, nil
	}
	u, err := url.Parse(hole.ReplaceAllString(text, "x"))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("option \"url\" is no URL: write https://host/path or http://host:port/path")
	case u.User != nil:
		return nil, errors.New("option \"url\" holds a user, which others would see: use 'http.security.basic.username' and 'http.security.basic.password'")
	}
	return t, nil
}

// hideQuery covers the values of a query's parameters: they may be secrets. query tells whether the text is behind
// the question mark already, and whether what follows it is.
func hideQuery(text string, query bool) (string, bool) {
	path, rest := "", text
	if !query {
		i := strings.IndexByte(text, '?')
		if i < 0 {
			return text, false
		}
		path, rest = text[:i+1], text[i+1:]
	}
	params := strings.Split(rest, "&")
	for i, p := range params {
		if name, value, ok := strings.Cut(p, "="); ok && value != "" {
			params[i] = name + "=***"
		}
	}
	return path + strings.Join(params, "&"), true
}

// hideURL is a URL that data gave, as errors may show it.
func hideURL(text string) string {
	if u, err := url.Parse(text); err == nil && u.User != nil {
		u.User = nil
		text = u.String()
	}
	text, _ = hideQuery(text, false)
	return text
}

// expand fills in the values of row i, for use and for errors.
func (t template) expand(v *values, i int) (real, shown string, err error) {
	var r, s strings.Builder
	for _, p := range t {
		if p.col < 0 {
			r.WriteString(p.text)
			s.WriteString(p.shown)
			continue
		}
		text, err := v.text(p.col, i)
		if err != nil {
			return "", "", err
		}
		switch p.place {
		case inPath:
			if text == "" || text == "." || text == ".." {
				return "", "", fmt.Errorf("column %q: %q cannot be a part of the URL's path", v.cols[p.col].Name, text)
			}
			text = url.PathEscape(text)
		case inQuery:
			text = url.QueryEscape(text)
		case asURL:
			if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				return "", "", fmt.Errorf("column %q holds no URL: it should be as https://host/path", v.cols[p.col].Name)
			}
			r.WriteString(text)
			s.WriteString(hideURL(text))
			continue
		}
		r.WriteString(text)
		s.WriteString(text)
	}
	return r.String(), s.String(), nil
}

// bodyTemplate takes a body apart. Braces around what is no column are text, but for double ones.
func bodyTemplate(text string, find func(name string) int, form bool) (template, error) {
	trimmed := strings.TrimSpace(text)
	json := strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") || strings.HasPrefix(trimmed, `"`)
	t, unknown := cut(text, find, func(before string) place {
		if form {
			return inQuery
		}
		return placeIn(json, before)
	})
	for _, name := range unknown {
		if strings.HasPrefix(name, "{{") {
			return nil, fmt.Errorf("option \"http.request.body-template\": %s is no column that the join compares: compare it in ON, or take it out", name)
		}
	}
	return t, nil
}

// placeIn is where a value stands behind a piece of a text.
func placeIn(json bool, before string) place {
	switch {
	case !json:
		return inText
	case quoted(before):
		return inString
	}
	return inJSON
}

// quoted tells whether what follows a piece of JSON is within a string.
func quoted(before string) bool {
	in := false
	for i := 0; i < len(before); i++ {
		switch before[i] {
		case '\\':
			if in {
				i++
			}
		case '"':
			in = !in
		}
	}
	return in
}

// fill appends a body with the values of row i.
func (t template) fill(dst []byte, v *values, i int) ([]byte, error) {
	for _, p := range t {
		if p.col < 0 {
			dst = append(dst, p.text...)
			continue
		}
		if p.place == inJSON || p.place == inString {
			value, err := v.json(p.col, i)
			if err != nil {
				return dst, err
			}
			if p.place == inString && len(value) > 1 && value[0] == '"' {
				value = value[1 : len(value)-1]
			}
			dst = append(dst, value...)
			continue
		}
		text, err := v.text(p.col, i)
		if err != nil {
			return dst, err
		}
		if p.place == inQuery {
			text = url.QueryEscape(text)
		}
		dst = append(dst, text...)
	}
	return dst, nil
}
