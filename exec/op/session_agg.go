package op

import (
	"errors"

	"weir/planner"
)

// NewSessionAgg makes the operator of a SESSION window.
func NewSessionAgg(*planner.WindowAgg, *planner.Settings) (Operator, error) {
	return nil, errors.New("session windows do not run yet")
}
