package data

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// builder puts the rows of a file into its store.
type builder struct {
	file   *os.File
	small  bool
	rows   int64
	text   []byte   // small: all fields, one after the other
	ends   []uint32 // small: where each ends
	starts []int64  // large: offset of every blockRows-th row
}

func newBuilder(file *os.File, small bool) *builder { return &builder{file: file, small: small} }

// blockRows is how many rows of a large file are read to get one of them.
const blockRows = 32

// add takes a row.
func (b *builder) add(at int64, f *fields) error {
	if b.small {
		for _, end := range f.ends {
			b.ends = append(b.ends, uint32(len(b.text)+end))
		}
		b.text = append(b.text, f.text...)
	} else if b.rows%blockRows == 0 {
		b.starts = append(b.starts, at)
	}
	b.rows++
	return nil
}

// store gives the rows; end is the offset behind the last.
func (b *builder) store(p parser, end int64) store {
	if b.small {
		return &memory{text: string(b.text), ends: b.ends, columns: int64(len(p.header())), file: b.file}
	}
	return &disk{file: b.file, starts: append(b.starts, end), parser: p, columns: len(p.header())}
}

// memory is rows in memory.
type memory struct {
	text    string
	ends    []uint32
	columns int64
	file    *os.File
}

func (m *memory) row(n int64, dst []string) ([]string, error) {
	first := n * m.columns
	start := uint32(0)
	if first > 0 {
		start = m.ends[first-1]
	}
	for _, end := range m.ends[first : first+m.columns] {
		dst = append(dst, m.text[start:end])
		start = end
	}
	return dst, nil
}

func (m *memory) bytes() int64 { return int64(len(m.text)) + 4*int64(cap(m.ends)) }

func (m *memory) close() error { return m.file.Close() }

// disk is rows that are read when they are wanted.
type disk struct {
	file    *os.File
	starts  []int64 // of each block, and the end of the last
	parser  parser
	columns int
	scratch sync.Pool // of *reading
}

// reading is what reading a row needs.
type reading struct {
	block  []byte
	fields fields
}

func (d *disk) row(n int64, dst []string) ([]string, error) {
	r, _ := d.scratch.Get().(*reading)
	if r == nil {
		r = &reading{}
	}
	defer d.scratch.Put(r)
	block := n / blockRows
	from, to := d.starts[block], d.starts[block+1]
	if int64(cap(r.block)) < to-from {
		r.block = make([]byte, to-from)
	}
	r.block = r.block[:to-from]
	if got, err := d.file.ReadAt(r.block, from); got < len(r.block) {
		return dst, fmt.Errorf("row %d of %s can't be read: %w", n+1, d.file.Name(), err)
	}
	if err := d.find(r, n%blockRows); err != nil {
		return dst, fmt.Errorf("row %d of %s is not what it was: %w", n+1, d.file.Name(), err)
	}
	text := string(r.fields.text)
	start := 0
	for _, end := range r.fields.ends {
		dst = append(dst, text[start:end])
		start = end
	}
	return dst, nil
}

// find parses the block up to its row of that number.
func (d *disk) find(r *reading, number int64) error {
	p, rest := d.parser.again(), r.block
	for {
		r.fields.reset()
		n, row, err := p.next(rest, true, &r.fields)
		switch {
		case err != nil:
			return err
		case n == 0:
			return io.ErrUnexpectedEOF
		case row && number == 0 && len(r.fields.ends) != d.columns:
			return io.ErrUnexpectedEOF
		case row && number == 0:
			return nil
		case row:
			number--
		}
		rest = rest[n:]
	}
}

func (d *disk) bytes() int64 { return 8 * int64(cap(d.starts)) }

func (d *disk) close() error { return d.file.Close() }
