package planner

import "strings"

// Secrets are the values of the table's options that must not be shown, for taking them out of texts
// that others wrote: errors and logs.
func (t *Table) Secrets() []string {
	var out []string
	for _, key := range sortedKeys(t.Options) {
		v := t.Options[key]
		if t.secrets[key] {
			out = append(out, v)
		} else if m := urlPassword.FindStringSubmatchIndex(v); m != nil {
			out = append(out, strings.TrimSuffix(v[m[3]:m[1]], "@"))
		}
	}
	return out
}
