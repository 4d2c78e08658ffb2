package data

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// byteOrderMark may stand before everything else.
const byteOrderMark = "\ufeff"

// shape is a format of data files. What follows from the first row is kept; when
// the pass is over it no longer changes, and split may be called concurrently.
type shape interface {
	// find looks for what comes next in the file. While more is true the file
	// goes on behind piece.
	find(piece []byte, more bool) (span, *flaw)
	// take checks the row that was found and says whether it counts: a header
	// does not.
	take(row []byte) (counts bool, _ *flaw)
	// end says what is missing when the file ends.
	end() *flaw
	// names are the columns.
	names() []string
	// split appends the values of a row; false if it is no row of this file.
	split(row string, dst []string) ([]string, bool)
}

// span is what a shape found: something to skip, else a row, else that it must
// see more.
type span struct{ skip, size int }

// pass goes over a file once, checks it and notes where its rows are.
type pass struct {
	path   string
	shape  shape
	most   int // bytes of one row, and of what stands between two
	rows   index
	at     int64 // offset of what comes next
	line   int   // its line, from 1
	column int   // characters before it in that line
	gap    int   // bytes since the last row
}

// run reads the file to its end. The error is a
// [FileError] or that of reading.
func (p *pass) run(r io.Reader) error {
	const room = 64 << 10
	p.line = 1
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, room), p.most+room)
	s.Split(p.next)
	for s.Scan() {
		if err := p.take(s.Bytes()); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	if f := p.shape.end(); f != nil {
		return p.atEnd(f)
	}
	if p.rows.rows == 0 {
		return &FileError{Path: p.path, What: "the file has no rows", Expected: "at least one"}
	}
	return nil
}

// next is the pass's [bufio.SplitFunc]: its tokens are rows.
func (p *pass) next(piece []byte, atEOF bool) (advance int, row []byte, err error) {
	skipped := 0
	for {
		rest := piece[skipped:]
		found, flaw := p.find(rest, !atEOF)
		switch {
		case flaw != nil:
			return 0, nil, p.wrong(rest, flaw)
		case found.size > 0:
			return skipped + found.size, rest[:found.size], nil
		case found.skip == 0:
			return skipped, nil, nil
		}
		p.move(rest[:found.skip])
		skipped += found.skip
	}
}

// find looks for what comes next, within the bounds.
func (p *pass) find(piece []byte, more bool) (span, *flaw) {
	if p.at == 0 && bytes.HasPrefix(piece, []byte(byteOrderMark)) {
		p.column-- // it does not count
		return span{skip: len(byteOrderMark)}, nil
	}
	found, flaw := p.shape.find(piece, more)
	p.gap += found.skip
	switch {
	case flaw != nil:
		return span{}, flaw
	case p.gap > p.most:
		return span{}, tooLong("blanks and line ends are more", p.most)
	case found.size > p.most, found == span{} && len(piece) > p.most:
		return span{}, tooLong("the row is longer", p.most)
	}
	return found, nil
}

// take checks a row and notes it.
func (p *pass) take(row []byte) error {
	if !utf8.Valid(row) {
		return p.wrong(row, notUTF8(row, invalidUTF8(row)))
	}
	counts, flaw := p.shape.take(row)
	if flaw != nil {
		return p.wrong(row, flaw)
	}
	if counts {
		p.rows.add(p.at, p.at+int64(len(row)))
	}
	p.gap = 0
	p.move(row)
	return nil
}

// move goes on behind piece.
func (p *pass) move(piece []byte) {
	p.at += int64(len(piece))
	if n := bytes.Count(piece, []byte{'\n'}); n > 0 {
		p.line += n
		p.column = 0
		piece = piece[bytes.LastIndexByte(piece, '\n')+1:]
	}
	p.column += utf8.RuneCount(piece)
}

// wrong says where the flaw is that was found in piece. Bytes before it that are
// no text come first: they may be its cause.
func (p *pass) wrong(piece []byte, f *flaw) *FileError {
	if bad := invalidUTF8(piece); bad >= 0 && bad <= f.at && utf8.FullRune(piece[bad:]) {
		f = notUTF8(piece, bad)
	}
	e := &FileError{Path: p.path, Line: p.line, What: f.what, Expected: f.expected}
	if f.whole {
		return e
	}
	before := pass{line: p.line, column: p.column}
	before.move(piece[:min(f.at, len(piece))])
	e.Line, e.Column = before.line, before.column+1
	return e
}

// atEnd says what is missing at the end of the file.
func (p *pass) atEnd(f *flaw) *FileError {
	if f.whole {
		return &FileError{Path: p.path, What: f.what, Expected: f.expected}
	}
	return p.wrong(nil, f)
}

// tooLong is the flaw of what has more than most bytes.
func tooLong(what string, most int) *flaw {
	return &flaw{at: most, whole: true, what: fmt.Sprintf("%s than %d bytes", what, most), expected: "shorter rows (is a quote or an object not closed?)"}
}

// notUTF8 is the flaw of the byte at bad.
func notUTF8(piece []byte, bad int) *flaw {
	return &flaw{at: bad, what: fmt.Sprintf("the byte 0x%02x is not UTF-8", piece[bad]), expected: "the file in UTF-8"}
}

// invalidUTF8 gives the place of the first byte that is not UTF-8, -1 if there
// is none.
func invalidUTF8(piece []byte) int {
	for i := 0; i < len(piece); {
		r, size := utf8.DecodeRune(piece[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}
