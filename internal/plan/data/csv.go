package data

import (
	"bytes"
	"fmt"
	"strings"
)

// csvParser parses RFC 4180: commas, quotes, line ends of LF or CR LF. Empty
// lines are passed over.
type csvParser struct{ columns []string }

func (p *csvParser) header() []string { return p.columns }
func (p *csvParser) again() parser    { return p } // it keeps nothing between rows
func (p *csvParser) wants() string    { return "a row with the names of the columns, then rows" }

func (p *csvParser) next(buf []byte, last bool, f *fields) (n int, row bool, err error) {
	if len(buf) == 0 {
		return 0, false, nil
	}
	if n := lineEnd(buf, last); n > 0 {
		return n, false, nil
	}
	if n, err = record(buf, last, f); n == 0 || err != nil {
		return 0, false, err
	}
	if p.columns == nil {
		return n, false, p.names(f)
	}
	if len(f.ends) != len(p.columns) {
		return 0, false, &FileError{What: fmt.Sprintf("%d fields", len(f.ends)), Expected: fmt.Sprintf("%d as in the first row", len(p.columns))}
	}
	return n, true, nil
}

// lineEnd is the length of the line end that buf begins with; 0 if with none.
func lineEnd(buf []byte, last bool) int {
	switch {
	case buf[0] == '\n':
		return 1
	case buf[0] == '\r' && len(buf) > 1 && buf[1] == '\n':
		return 2
	case buf[0] == '\r' && len(buf) == 1 && last:
		return 1
	}
	return 0
}

// names takes the names of the columns from the first row.
func (p *csvParser) names(f *fields) error {
	start := 0
	seen := map[string]bool{}
	for i, end := range f.ends {
		name := strings.TrimSpace(string(f.text[start:end]))
		start = end
		switch {
		case name == "":
			return &FileError{What: fmt.Sprintf("column %d has no name", i+1), Expected: p.wants()}
		case seen[name]:
			return &FileError{What: fmt.Sprintf("two columns are named %q", name), Expected: "each name once"}
		}
		seen[name] = true
		p.columns = append(p.columns, name)
	}
	return nil
}

// record parses one row with its line end; n is 0 if it does not end in buf.
func record(buf []byte, last bool, f *fields) (n int, err error) {
	for {
		var done bool
		if n < len(buf) && buf[n] == '"' {
			n, done, err = quotedField(buf, n, last, f)
		} else {
			n, done, err = plainField(buf, n, last, f)
		}
		if done || err != nil || n == 0 {
			return n, err
		}
	}
}

// plainField parses a field without quotes that begins at n, and the comma or
// line end behind it. It gives 0 if these are not in buf.
func plainField(buf []byte, n int, last bool, f *fields) (next int, done bool, err error) {
	end := bytes.IndexAny(buf[n:], ",\n\"")
	switch {
	case end >= 0 && buf[n+end] == '"':
		return 0, false, &FileError{
			Line: bytes.Count(buf[:n], []byte("\n")), What: "a quote within a field that does not begin with one", Expected: `the field in quotes, its own quotes doubled`,
		}
	case end < 0 && !last:
		return 0, false, nil
	case end < 0:
		f.add(bytes.TrimSuffix(buf[n:], []byte("\r")))
		return len(buf), true, nil
	case buf[n+end] == ',':
		f.add(buf[n : n+end])
		return n + end + 1, false, nil
	}
	f.add(bytes.TrimSuffix(buf[n:n+end], []byte("\r")))
	return n + end + 1, true, nil
}

// quotedField is plainField for a field in quotes.
func quotedField(buf []byte, n int, last bool, f *fields) (next int, done bool, err error) {
	open := n
	n++
	for {
		quote := bytes.IndexByte(buf[n:], '"')
		if quote < 0 {
			return 0, false, unclosed(buf, open, last)
		}
		f.text = append(f.text, buf[n:n+quote]...)
		n += quote + 1
		if n < len(buf) && buf[n] == '"' {
			f.text = append(f.text, '"')
			n++
			continue
		}
		break
	}
	f.end()
	rest := buf[n:]
	switch {
	case len(rest) > 0 && rest[0] == ',':
		return n + 1, false, nil
	case len(rest) > 0 && lineEnd(rest, last) > 0:
		return n + lineEnd(rest, last), true, nil
	case len(rest) == 0 && last:
		return n, true, nil
	case len(rest) < 2 && !last:
		return 0, false, nil
	}
	return 0, false, &FileError{Line: bytes.Count(buf[:n], []byte("\n")), What: "text behind a field in quotes", Expected: "a comma or the end of the line"}
}

// unclosed is the error for quotes without an end, if the file is at its.
func unclosed(buf []byte, open int, last bool) error {
	if !last {
		return nil
	}
	return &FileError{Line: bytes.Count(buf[:open], []byte("\n")), What: "the quotes of a field have no end"}
}
