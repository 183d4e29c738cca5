package fn

import "weir/sql/vec"

// The loops below set bit i where the comparison of row i holds. Either side may be one constant. They
// gather eight rows a byte so that the bitmap is written once.

func equals[T anyNumber](bits vec.Bitmap, n int, a, b []T) {
	if len(a) == 1 {
		a, b = b, a
	}
	constant := len(b) == 1
	for at := 0; at < n; at += 8 {
		var w byte
		x := a[at:min(at+8, n)]
		if constant {
			v := b[0]
			for k, y := range x {
				if y == v {
					w |= 1 << k
				}
			}
		} else {
			z := b[at : at+len(x)]
			for k, y := range x {
				if y == z[k] {
					w |= 1 << k
				}
			}
		}
		bits[at>>3] = w
	}
}

func lesses[T anyNumber](bits vec.Bitmap, n int, a, b []T) {
	switch {
	case len(b) == 1:
		v := b[0]
		for at := 0; at < n; at += 8 {
			var w byte
			for k, x := range a[at:min(at+8, n)] {
				if x < v {
					w |= 1 << k
				}
			}
			bits[at>>3] = w
		}
	case len(a) == 1:
		v := a[0]
		for at := 0; at < n; at += 8 {
			var w byte
			for k, y := range b[at:min(at+8, n)] {
				if v < y {
					w |= 1 << k
				}
			}
			bits[at>>3] = w
		}
	default:
		for at := 0; at < n; at += 8 {
			var w byte
			x := a[at:min(at+8, n)]
			y := b[at : at+len(x)]
			for k, v := range x {
				if v < y[k] {
					w |= 1 << k
				}
			}
			bits[at>>3] = w
		}
	}
}

func atMosts[T anyNumber](bits vec.Bitmap, n int, a, b []T) {
	switch {
	case len(b) == 1:
		v := b[0]
		for at := 0; at < n; at += 8 {
			var w byte
			for k, x := range a[at:min(at+8, n)] {
				if x <= v {
					w |= 1 << k
				}
			}
			bits[at>>3] = w
		}
	case len(a) == 1:
		v := a[0]
		for at := 0; at < n; at += 8 {
			var w byte
			for k, y := range b[at:min(at+8, n)] {
				if v <= y {
					w |= 1 << k
				}
			}
			bits[at>>3] = w
		}
	default:
		for at := 0; at < n; at += 8 {
			var w byte
			x := a[at:min(at+8, n)]
			y := b[at : at+len(x)]
			for k, v := range x {
				if v <= y[k] {
					w |= 1 << k
				}
			}
			bits[at>>3] = w
		}
	}
}
