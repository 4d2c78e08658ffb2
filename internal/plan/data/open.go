package data

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"sync"
)

// The formats. CSV is that of RFC 4180 in UTF-8; its first row names the columns,
// empty lines are skipped. JSON is an array of flat objects, or such objects one
// after the other (JSON lines); the first one's keys are the columns, and all
// others have the same. The text of a JSON value is that of a string, nothing
// for null, and of all else (numbers, nested values) what is written.
const (
	CSV  = "csv"
	JSON = "json"
)

// MaxRow bounds a row, in bytes of the file.
const MaxRow = 1 << 20

// inMemory is the size up to which files are kept in memory.
const inMemory = 64 << 20

// Set is an open data file. It is safe for concurrent use.
type Set struct {
	path   string
	shape  shape
	rows   index
	bytes  source
	size   int64
	digest [sha256.Size]byte
}

var _ Rows = (*Set)(nil)

// source gives the bytes of a file that was checked.
type source interface {
	io.Closer
	// part gives the bytes from ≤ i < to.
	part(from, to int64) (string, error)
	// memory is how many bytes of memory it takes.
	memory() int64
}

// Open reads the file from end to end and keeps it open until Close. Up to
// 64 MiB it is kept in memory; of larger ones about 4 bytes for each row are,
// and the file must not be changed meanwhile. The error is a *[FileError].
func Open(path string, format string) (*Set, error) {
	return open(path, format, inMemory, MaxRow)
}

// open is Open with its bounds: the size of files kept in memory and of rows.
func open(path string, format string, memory int64, row int) (*Set, error) {
	shape, err := shapeOf(path, format)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path) // before opening: that of a pipe would wait for a writer
	if err != nil {
		return nil, systemError(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, notAFile(path, info)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, systemError(path, err)
	}
	s, err := read(&pass{path: path, shape: shape, most: row}, file, memory)
	if err != nil {
		_ = file.Close() // it was only read, and the reason is told
		return nil, err
	}
	return s, nil
}

// shapeOf gives the shape of files of the format.
func shapeOf(path, format string) (shape, error) {
	switch format {
	case CSV:
		return &csvShape{}, nil
	case JSON:
		return &jsonShape{}, nil
	}
	return nil, &FileError{Path: path, What: fmt.Sprintf("the format %q is unknown", format), Expected: "csv or json"}
}

// notAFile is about what has no lasting content.
func notAFile(path string, info os.FileInfo) *FileError {
	what := "this is not a regular file"
	if info.IsDir() {
		what = "this is a directory"
	}
	return &FileError{Path: path, What: what, Expected: "a file"}
}

// read makes the pass over the file. A file that is not kept in memory belongs to
// the set, any other is closed.
func read(p *pass, file *os.File, memory int64) (*Set, error) {
	before, err := file.Stat()
	if err != nil {
		return nil, systemError(p.path, err)
	}
	in := intake{from: io.LimitReader(file, before.Size()), sum: sha256.New()}
	kept := before.Size() <= memory
	if kept {
		in.kept = new(strings.Builder)
		in.kept.Grow(int(before.Size()))
	}
	if err := p.run(&in); err != nil {
		return nil, withPath(p.path, err)
	}
	after, err := file.Stat()
	if err != nil {
		return nil, systemError(p.path, err)
	}
	if after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return nil, changed(p.path)
	}
	s := &Set{path: p.path, shape: p.shape, rows: p.rows, size: in.size, bytes: &disk{file: file}}
	in.sum.Sum(s.digest[:0])
	if kept {
		s.bytes = memoryText(in.kept.String())
		return s, file.Close()
	}
	return s, nil
}

// withPath makes a [FileError] of an error of reading.
func withPath(path string, err error) error {
	var wrong *FileError
	if errors.As(err, &wrong) {
		return wrong
	}
	return systemError(path, err)
}

// changed is about a file that is no longer what was checked.
func changed(path string) *FileError {
	return &FileError{Path: path, What: "the file was changed while it was in use", Expected: "a file that stays as it is"}
}

// Columns are the names of the columns in the order of the file.
func (s *Set) Columns() []string { return s.shape.names() }

// Len is the number of rows, at least 1.
func (s *Set) Len() int64 { return s.rows.rows }

// Size is the length of the file in bytes.
func (s *Set) Size() int64 { return s.size }

// Digest is the SHA-256 of the file's bytes.
func (s *Set) Digest() [sha256.Size]byte { return s.digest }

// Memory is about how many bytes of memory the set takes.
func (s *Set) Memory() int64 { return s.bytes.memory() + s.rows.memory() }

// Row appends the fields of row n, 0 ≤ n < Len, to dst. Of a file in memory they
// are parts of it, and only what is escaped is copied. The error is a *[FileError]:
// the file could not be read any more, or is seen to have changed. With an error
// the slice given is dst.
func (s *Set) Row(n int64, dst []string) ([]string, error) {
	if n < 0 || n >= s.rows.rows {
		return dst, &FileError{Path: s.path, What: fmt.Sprintf("there is no row %d", n), Expected: fmt.Sprintf("0 to %d", s.rows.rows-1)}
	}
	row, err := s.bytes.part(s.rows.extent(n))
	if err != nil {
		return dst, systemError(s.path, err)
	}
	longer, ok := s.shape.split(row, dst)
	if !ok {
		return dst, changed(s.path)
	}
	return longer, nil
}

// Close closes the file. Rows can't be read after it.
func (s *Set) Close() error { return s.bytes.Close() }

// intake is a file on its way through the pass: counted, summed, and kept if
// there is something to keep it in.
type intake struct {
	from io.Reader
	sum  hash.Hash
	kept *strings.Builder // nil: not kept
	size int64
}

// Read reads on.
func (i *intake) Read(b []byte) (int, error) {
	n, err := i.from.Read(b)
	i.size += int64(n)
	i.sum.Write(b[:n])
	if i.kept != nil {
		i.kept.Write(b[:n])
	}
	return n, err
}

// memoryText is a file that was read whole.
type memoryText string

func (m memoryText) part(from, to int64) (string, error) { return string(m[from:to]), nil }

func (m memoryText) memory() int64 { return int64(len(m)) }

func (m memoryText) Close() error { return nil }

// disk is a file that is read row by row.
type disk struct {
	file    *os.File
	buffers sync.Pool // of *[]byte
}

func (d *disk) part(from, to int64) (string, error) {
	b, _ := d.buffers.Get().(*[]byte)
	if b == nil {
		b = new([]byte)
	}
	defer d.buffers.Put(b)
	if need := int(to - from); cap(*b) < need {
		*b = make([]byte, need)
	}
	buf := (*b)[:to-from]
	if _, err := d.file.ReadAt(buf, from); err != nil {
		return "", err
	}
	return string(buf), nil
}

func (d *disk) memory() int64 { return 0 }

func (d *disk) Close() error { return d.file.Close() }
