package data

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// fields are the fields of one row, one after the other.
type fields struct {
	text []byte
	ends []int // of each field in text
}

func (f *fields) reset()          { f.text, f.ends = f.text[:0], f.ends[:0] }
func (f *fields) end()            { f.ends = append(f.ends, len(f.text)) }
func (f *fields) add(text []byte) { f.text = append(f.text, text...); f.end() }

// parser splits a file into rows. It is used for one file from front to end; a
// parser from again parses rows of the same file from any row on.
type parser interface {
	// next parses what the buffer begins with and gives its length: a row, whose
	// fields it puts in f, or something between rows, when row is false. The
	// length is 0 if more is needed to tell; with last the buffer ends the file.
	next(buf []byte, last bool, f *fields) (n int, row bool, err error)
	// header gives the columns, nil if none were seen.
	header() []string
	// again gives a parser that begins at a row.
	again() parser
	// wants says what a file must hold.
	wants() string
}

// input reads a file front to end.
type input struct {
	from   io.Reader
	buf    []byte // what was read and is not yet parsed
	offset int64  // in the file, of buf
	line   int    // of buf, from 1
	last   bool   // buf goes to the end of the file
}

// chunk is how much is read at once, at least.
const chunk = 64 << 10

// fill reads more.
func (in *input) fill() error {
	if len(in.buf) > longestRow {
		return &FileError{Line: in.line, What: fmt.Sprintf("a row of more than %d bytes", longestRow)}
	}
	room := min(max(chunk, len(in.buf)), longestRow+1-len(in.buf))
	grown := make([]byte, len(in.buf), len(in.buf)+room)
	copy(grown, in.buf)
	n, err := io.ReadFull(in.from, grown[len(grown):cap(grown)])
	in.buf = grown[:len(grown)+n]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		in.last = true
		return nil
	}
	return err
}

// skipMark passes the byte order mark.
func (in *input) skipMark() error {
	if err := in.fill(); err != nil {
		return err
	}
	if mark := []byte("\ufeff"); bytes.HasPrefix(in.buf, mark) {
		in.buf, in.offset = in.buf[len(mark):], int64(len(mark))
	}
	return nil
}

// each calls add for every row with its offset in the file.
func (in *input) each(p parser, add func(at int64, f *fields) error) error {
	var f fields
	for {
		f.reset()
		n, row, err := p.next(in.buf, in.last, &f)
		if err != nil {
			var wrong *FileError
			if errors.As(err, &wrong) {
				wrong.Line += in.line
			}
			return err
		}
		if n == 0 && in.last {
			return nil
		}
		if n == 0 {
			if err := in.fill(); err != nil {
				return err
			}
			continue
		}
		if row {
			if err := add(in.offset, &f); err != nil {
				return err
			}
		}
		in.line += bytes.Count(in.buf[:n], []byte("\n"))
		in.buf, in.offset = in.buf[n:], in.offset+int64(n)
	}
}
