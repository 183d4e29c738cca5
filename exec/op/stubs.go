package op

import (
	"errors"

	"weir/planner"
)

func NewTopN(*planner.TopN, *planner.Settings) (Operator, error) { return nil, errors.New("x") }
func newSessionTVF(*planner.WindowTVF, *planner.Settings) (Operator, error) {
	return nil, errors.New("a SESSION table function runs below an aggregate over its windows only")
}
