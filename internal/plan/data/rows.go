// Package data gives the rows of data sets: CSV and JSON files of any size. A
// file is read once from end to end, which checks it and finds where its rows
// begin; after that any row can be had at once, from memory when the file is
// small and from the disk when it is not.
package data

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

// Rows is a table of text. All methods are safe for concurrent use.
type Rows interface {
	// Columns are the names of the columns, in the order that Row appends.
	Columns() []string
	// Len is the number of rows.
	Len() int64
	// Row appends the fields of row n, 0 ≤ n < Len, to dst and gives the longer
	// slice. It appends as many fields as there are columns. The error is that
	// of reading a file which changed or vanished since it was opened.
	Row(n int64, dst []string) ([]string, error)
}

// The formats of files.
const (
	CSV  = "csv"  // RFC 4180, the first row names the columns
	JSON = "json" // an array of objects, or one object after the other
)

// inMemory is the size up to which a file's rows are kept in memory.
const inMemory = 32 << 20

// longestRow bounds the length of one row in bytes.
const longestRow = 16 << 20

// FileError says what is wrong with a file.
type FileError struct {
	Path     string
	Line     int // 0: the whole file
	What     string
	Expected string // "" if there is no one answer
	Err      error  // of the system; nil: the content is wrong
}

// Error joins the parts.
func (e *FileError) Error() string {
	s := e.Path
	if e.Line > 0 {
		s += fmt.Sprintf(", line %d", e.Line)
	}
	s += ": " + e.What
	if e.Expected != "" {
		s += "; expected " + e.Expected
	}
	return s
}

// Unwrap gives the error of the system.
func (e *FileError) Unwrap() error { return e.Err }

// Set is an open data file.
type Set struct {
	store   store
	columns []string
	rows    int64
	size    int64
	digest  [sha256.Size]byte
}

// store is where the rows of a file are.
type store interface {
	row(n int64, dst []string) ([]string, error)
	close() error
	bytes() int64 // of memory
}

// Open reads a file through and checks it. The error is a [FileError].
func Open(path, format string) (*Set, error) { return open(path, format, inMemory) }

// open is Open with another bound of what is kept in memory.
func open(path, format string, inMemory int64) (*Set, error) {
	file, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	s, err := load(file, format, inMemory)
	if err != nil {
		_ = file.Close() // the reason is told
		var wrong *FileError
		if errors.As(err, &wrong) {
			wrong.Path = path
			return nil, wrong
		}
		return nil, &FileError{Path: path, What: "can't be read: " + reason(err), Err: err}
	}
	return s, nil
}

// reason is the system's error without the path, which is told already.
func reason(err error) string {
	if at, is := errors.AsType[*os.PathError](err); is {
		err = at.Err
	}
	return err.Error()
}

// openRegular opens a file that can be read at any place.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, &FileError{Path: path, What: "can't be opened: " + reason(err), Err: err}
	case !info.Mode().IsRegular():
		return nil, &FileError{Path: path, What: "is no regular file"}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, &FileError{Path: path, What: "can't be opened: " + reason(err), Err: err}
	}
	return file, nil
}

// load reads a file through.
func load(file *os.File, format string, inMemory int64) (*Set, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	in := &input{from: io.TeeReader(file, sum), line: 1}
	if err := in.skipMark(); err != nil {
		return nil, err
	}
	var p parser = &csvParser{}
	if format == JSON {
		p = &jsonParser{}
	}
	s := &Set{size: info.Size()}
	b := newBuilder(file, info.Size() <= inMemory)
	if err := in.each(p, b.add); err != nil {
		return nil, err
	}
	if s.columns, s.rows = p.header(), b.rows; s.columns == nil {
		return nil, &FileError{What: "is empty", Expected: p.wants()}
	}
	if s.rows == 0 {
		return nil, &FileError{What: "has no rows", Expected: "at least one"}
	}
	sum.Sum(s.digest[:0])
	s.store = b.store(p, in.offset)
	return s, nil
}

// Columns are the names of the columns.
func (s *Set) Columns() []string { return s.columns }

// Len is the number of rows.
func (s *Set) Len() int64 { return s.rows }

// Row appends the fields of row n to dst.
func (s *Set) Row(n int64, dst []string) ([]string, error) {
	if n < 0 || n >= s.rows {
		return dst, fmt.Errorf("there is no row %d of %d", n, s.rows)
	}
	return s.store.row(n, dst)
}

// Digest is the SHA-256 of the file's bytes.
func (s *Set) Digest() [sha256.Size]byte { return s.digest }

// Size is the length of the file in bytes.
func (s *Set) Size() int64 { return s.size }

// Memory is about how many bytes of memory the set takes.
func (s *Set) Memory() int64 { return s.store.bytes() }

// Close closes the file. The set can't be used after it.
func (s *Set) Close() error { return s.store.close() }
