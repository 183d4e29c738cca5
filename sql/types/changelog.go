package types

import "strings"

// ChangelogMode is the set of row kinds that a node may emit or that a sink takes.
type ChangelogMode uint8

// The usual modes.
const (
	AppendMode  ChangelogMode = 1 << Insert
	UpsertMode  ChangelogMode = 1<<Insert | 1<<UpdateAfter | 1<<Delete
	RetractMode ChangelogMode = 1<<Insert | 1<<UpdateBefore | 1<<UpdateAfter | 1<<Delete
)

// Has tells whether the mode holds the kind.
func (m ChangelogMode) Has(k RowKind) bool { return m&(1<<k) != 0 }

// With is the mode with the kinds added; Without has them taken away.
func (m ChangelogMode) With(kinds ...RowKind) ChangelogMode {
	for _, k := range kinds {
		m |= 1 << k
	}
	return m
}

// Without is the mode less the kinds.
func (m ChangelogMode) Without(kinds ...RowKind) ChangelogMode {
	for _, k := range kinds {
		m &^= 1 << k
	}
	return m
}

// AppendOnly tells whether only inserts are in the mode.
func (m ChangelogMode) AppendOnly() bool { return m == AppendMode }

// String lists the kinds as Flink's EXPLAIN does: "I,UB,UA,D".
func (m ChangelogMode) String() string {
	var parts []string
	for k, name := range [...]string{"I", "UB", "UA", "D"} {
		if m.Has(RowKind(k)) {
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, ",")
}
