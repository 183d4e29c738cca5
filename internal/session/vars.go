package session

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
)

var variable = regexp.MustCompile(`\$\{(\w+)(?::-([^}]*))?\}`)

// Substitute replaces ${VAR} and ${VAR:-default} in a script. An undefined variable without a
// default is an error that names all of them.
func Substitute(script string, vars map[string]string) (string, error) {
	missing := map[string]bool{}
	out := variable.ReplaceAllStringFunc(script, func(m string) string {
		sub := variable.FindStringSubmatch(m)
		if v, ok := vars[sub[1]]; ok {
			return v
		}
		if strings.Contains(m, ":-") {
			return sub[2]
		}
		missing[sub[1]] = true
		return m
	})
	if len(missing) == 0 {
		return out, nil
	}
	names := make([]string, 0, len(missing))
	for n := range missing {
		names = append(names, "${"+n+"}")
	}
	sort.Strings(names)
	return "", fmt.Errorf("undefined %s: pass -v NAME=value, set it in the environment, or give a default as ${NAME:-value}", strings.Join(names, ", "))
}
