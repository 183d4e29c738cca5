package state

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Snapshot is the content of a store at one moment. It may be used by another goroutine than the store's.
type Snapshot interface {
	// Scan visits keys in [lo, hi) in order, as Store.Scan does.
	Scan(lo, hi []byte, visit func(key, value []byte) error) error
	// Files are what the snapshot is kept as; they stay as they are until Close. It may wait for the disk.
	Files() ([]File, error)
	Close() error
}

// File is one file of a snapshot.
type File struct {
	Name string
	// FS and Path say where it lies; with Path "" Write makes it.
	FS    FS
	Path  string
	Size  int64
	Sum   Sum
	Write func(io.Writer) error
}

// SortedName is the one file of a snapshot of a small store: its entries in order. Any other snapshot is
// the folder of a database.
const SortedName = "state.sorted"

const sortedMagic = "weir state 1\n"

// writeSorted writes entries: for each, 1, how many bytes its key shares with the one before, the lengths of the key's rest and
// of the value, then those; at the end 0 and the number of entries.
func writeSorted(to io.Writer, scan func(visit func(key, value []byte) error) error) error {
	w := bufio.NewWriterSize(to, 128<<10)
	if _, err := w.WriteString(sortedMagic); err != nil {
		return err
	}
	var last, head []byte
	n := uint64(0)
	err := scan(func(key, value []byte) error {
		n++
		same := 0
		for same < len(key) && same < len(last) && key[same] == last[same] {
			same++
		}
		head = append(head[:0], 1)
		head = binary.AppendUvarint(head, uint64(same))
		head = binary.AppendUvarint(head, uint64(len(key)-same))
		head = binary.AppendUvarint(head, uint64(len(value)))
		_, _ = w.Write(head) // the last write tells
		_, _ = w.Write(key[same:])
		last = append(last[:0], key...)
		_, err := w.Write(value)
		return err
	})
	if err != nil {
		return err
	}
	_, _ = w.Write(binary.AppendUvarint([]byte{0}, n))
	return w.Flush()
}

var errSorted = errors.New("damaged file of state")

// maxEntry bounds the size of a key or value that is believed.
const maxEntry = 1 << 30

// readSorted reads entries into leaves.
func readSorted(from io.Reader) (leaves []*leaf, size int64, err error) {
	r := bufio.NewReaderSize(from, 128<<10)
	magic := make([]byte, len(sortedMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != sortedMagic {
		return nil, 0, errSorted
	}
	var last []byte
	at := &leaf{}
	for n := uint64(0); ; n++ {
		more, err := r.ReadByte()
		if err != nil {
			return nil, 0, errSorted
		}
		if more == 0 {
			if said, err := binary.ReadUvarint(r); err != nil || said != n {
				return nil, 0, errSorted
			}
			if len(at.keys) > 0 {
				leaves = append(leaves, at)
			}
			return leaves, size, nil
		}
		key, value, err := readEntry(r, last)
		if err != nil || n > 0 && bytes.Compare(last, key) >= 0 {
			return nil, 0, errSorted
		}
		if len(at.keys) == leafMax {
			leaves, at = append(leaves, at), &leaf{}
		}
		at.keys, at.vals = append(at.keys, key), append(at.vals, value)
		size += int64(len(key) + len(value))
		last = key
	}
}

func readEntry(r *bufio.Reader, last []byte) (key, value []byte, err error) {
	var n [3]uint64
	for i := range n {
		if n[i], err = binary.ReadUvarint(r); err != nil || n[i] > maxEntry {
			return nil, nil, errSorted
		}
	}
	if n[0] > uint64(len(last)) {
		return nil, nil, errSorted
	}
	b := make([]byte, n[0]+n[1]+n[2])
	copy(b, last[:n[0]])
	if _, err := io.ReadFull(r, b[n[0]:]); err != nil {
		return nil, nil, err
	}
	k := n[0] + n[1]
	return b[:k:k], b[k:], nil
}

// stored is a snapshot in a folder.
type stored struct {
	fs    FS
	dir   string
	files []File
}

// OpenSnapshot gives the snapshot that these files of a folder are. They are read when they are asked for.
func OpenSnapshot(fs FS, dir string, files []File) Snapshot {
	for i := range files {
		files[i].FS, files[i].Path = fs, fs.PathJoin(dir, files[i].Name)
	}
	return &stored{fs, dir, files}
}

func (s *stored) sorted() bool { return len(s.files) == 1 && s.files[0].Name == SortedName }

func (s *stored) leaves() ([]*leaf, int64, error) {
	f, err := s.fs.Open(s.files[0].Path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	leaves, size, err := readSorted(onlyReader{f})
	if err != nil {
		err = fmt.Errorf("%q: %w", s.files[0].Path, err)
	}
	return leaves, size, err
}

// Scan reads the snapshot.
func (s *stored) Scan(lo, hi []byte, visit func(key, value []byte) error) error {
	if s.sorted() {
		leaves, _, err := s.leaves()
		if err != nil {
			return err
		}
		return scanLeaves(leaves, lo, hi, visit)
	}
	return scanFolder(s.fs, s.dir, lo, hi, visit)
}

// Files gives the files.
func (s *stored) Files() ([]File, error) { return s.files, nil }

// Close does nothing: the files are somebody else's.
func (s *stored) Close() error { return nil }

// immutable tells whether a file of a database never changes under its name.
func immutable(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob")
}

// size is the size of all files.
func size(files []File) (n int64) {
	for _, f := range files {
		n += f.Size
	}
	return n
}
