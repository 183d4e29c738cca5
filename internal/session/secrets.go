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

func hideSecrets(text string) string {
	out := []byte(text)
	for _, m := range secretOption.FindAllStringSubmatchIndex(text, -1) {
		for i := m[4]; i < m[5]; i++ {
			if out[i] != '\n' { // positions count lines
				out[i] = '*'
			}
		}
	}
	return string(out)
}
