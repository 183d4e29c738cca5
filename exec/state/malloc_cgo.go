//go:build cgo && linux

package state

/*
#include <malloc.h>

// Pebble has its cache and memtables from malloc, which keeps an arena for each of several threads: blocks of the cache
// that one thread asked for and another gave back lie in holes of all of them, up to three times the cache. With one
// arena the holes are used again, and larger pieces, as memtables, go back to the system at once. It must be said before
// the first thread starts, which is before Go runs.
__attribute__((constructor)) static void weir_one_arena(void) {
#ifdef __GLIBC__
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
#endif
}
*/
import "C"
