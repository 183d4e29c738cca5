package session

import (
	"errors"
	"regexp"

	"weir/sql"
)

var secretOption = regexp.MustCompile(`(?i)('[^'\n]*(?:password|passwd|secret|token|accesskey|api[-_.]?key|authorization|externalid)[^'\n]*'\s*=\s*')((?:[^']|'')*)`)

// HideSecrets blots the values of secret options out of the source lines that an error shows, byte for byte, so
// that its caret stays where it is.
func HideSecrets(err error) error {
	var list *sql.ErrorList
	var one *sql.Error
	switch {
	case errors.As(err, &list):
		for _, e := range list.Errors {
			e.Src = hideSecrets(e.Src)
		}
	case errors.As(err, &one):
		one.Src = hideSecrets(one.Src)
	}
	return err
}

// urlPassword is the password in a URL: user:password@host.
var urlPassword = regexp.MustCompile(`://[^/\s:'@]+:([^/\s'@]+)@`)

func hideSecrets(text string) string {
	out := []byte(text)
	for _, m := range secretOption.FindAllStringSubmatchIndex(text, -1) {
		star(out[m[4]:m[5]])
	}
	for _, m := range urlPassword.FindAllStringSubmatchIndex(text, -1) {
		star(out[m[2]:m[3]])
	}
	return string(out)
}

// star covers a text. Line ends stay: positions count lines.
func star(text []byte) {
	for i := range text {
		if text[i] != '\n' {
			text[i] = '*'
		}
	}
}

// HideText is a text without what looks like a secret option's value or a password in a URL.
func HideText(text string) string { return hideSecrets(text) }
