package op

import (
	"errors"

	"weir/planner"
)

func newSessionTVF(*planner.WindowTVF, *planner.Settings) (Operator, error) {
	return nil, errors.New("a SESSION table function runs below an aggregate over its windows only")
}
