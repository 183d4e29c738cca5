package types

// Column is a column of a relation.
type Column struct {
	Name string
	Type Type
	// TimeAttr marks a time attribute: the column a watermark, or the processing clock, speaks of.
	TimeAttr TimeAttr
}

// TimeAttr says whether a column is a time attribute.
type TimeAttr uint8

// The time attributes.
const (
	NotTime TimeAttr = iota
	RowTime
	ProcTime
)

// Schema is the columns of a relation, in order.
type Schema []Column

// Index gives the position of the column of that exact name, or -1.
func (s Schema) Index(name string) int {
	for i := range s {
		if s[i].Name == name {
			return i
		}
	}
	return -1
}

// Names lists the columns' names.
func (s Schema) Names() []string {
	names := make([]string, len(s))
	for i := range s {
		names[i] = s[i].Name
	}
	return names
}

// RowTimeColumn gives the position of the row-time attribute, or -1.
func (s Schema) RowTimeColumn() int {
	for i := range s {
		if s[i].TimeAttr == RowTime {
			return i
		}
	}
	return -1
}

// Select gives the columns at the positions, in that order.
func (s Schema) Select(cols []int) Schema {
	out := make(Schema, len(cols))
	for i, c := range cols {
		out[i] = s[c]
	}
	return out
}
