package fn

import "testing"

// TestUnbuilt: what is listed as not there is not there.
func TestUnbuilt(t *testing.T) {
	for _, u := range UnbuiltFuncs {
		if _, ok := Lookup(u.Name); ok || WhyUnbuilt(u.Name) != u.Why || u.Why == "" {
			t.Errorf("%s is there, twice in the list, or without reason", u.Name)
		}
		for _, f := range AggFuncs {
			if f.Name == u.Name {
				t.Errorf("%s is an aggregate", u.Name)
			}
		}
	}
}
