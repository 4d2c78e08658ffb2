package data

import (
	"fmt"
	"strings"
)

// text is what both the pass over a file and the reading of a row look at.
type text interface{ string | []byte }

// cell is one field of a CSV row: what stands between from and to, without its
// quotes.
type cell struct {
	from, to int
	next     int  // where the next cell or row begins; 0: the text ends within this one
	last     bool // the row ends with it
	coded    bool // has doubled quotes or line ends, and must be decoded
}

// readCell reads the cell at i (RFC 4180, and as encoding/csv: a row may end
// with LF, CR LF or the end of the file). While more is true, text may go on
// behind what is there.
func readCell[T text](s T, i int, more bool) (cell, *flaw) {
	if i < len(s) && s[i] == '"' {
		return readQuoted(s, i, more)
	}
	for j := i; j < len(s); j++ {
		switch s[j] {
		case ',':
			return cell{from: i, to: j, next: j + 1}, nil
		case '\n':
			return cell{from: i, to: beforeCR(s, i, j), next: j + 1, last: true}, nil
		case '"':
			return cell{}, &flaw{at: j, what: `a " within a field that does not begin with one`, expected: `the field in quotes and its " doubled`}
		}
	}
	if more {
		return cell{}, nil
	}
	return cell{from: i, to: beforeCR(s, i, len(s)), next: len(s), last: true}, nil
}

// beforeCR gives the end of s[i:j] without the CR of a line end.
func beforeCR[T text](s T, i, j int) int {
	if j > i && s[j-1] == '\r' {
		return j - 1
	}
	return j
}

// readQuoted reads the cell whose opening quote is at i.
func readQuoted[T text](s T, i int, more bool) (cell, *flaw) {
	c := cell{from: i + 1}
	for j := i + 1; j < len(s); j++ {
		switch s[j] {
		case '\r':
			c.coded = true
		case '"':
			if j+1 < len(s) && s[j+1] == '"' {
				c.coded = true
				j++
				continue
			}
			c.to = j
			return closeQuoted(s, c, more)
		}
	}
	if more {
		return cell{}, nil
	}
	return cell{}, &flaw{at: i, what: "a quote is not closed", expected: `"`}
}

// closeQuoted reads what follows the closing quote at c.to.
func closeQuoted[T text](s T, c cell, more bool) (cell, *flaw) {
	i := c.to + 1
	short := i == len(s) || i+1 == len(s) && s[i] == '\r'
	switch {
	case short && more:
		return cell{}, nil
	case short:
		c.next, c.last = len(s), true
	case s[i] == ',':
		c.next = i + 1
	case s[i] == '\n':
		c.next, c.last = i+1, true
	case s[i] == '\r' && s[i+1] == '\n':
		c.next, c.last = i+2, true
	default:
		return cell{}, &flaw{at: i, what: "text after a closing quote", expected: `, or the end of the line (a " within quotes is doubled)`}
	}
	return c, nil
}

// value gives the text of a cell of row: a part of it where possible.
func (c cell) value(row string) string {
	s := row[c.from:c.to]
	if !c.coded {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\r' && i+1 < len(s) && s[i+1] == '\n' {
			i++ // "" is ", CR LF is LF
		}
		b = append(b, s[i])
	}
	return string(b)
}

// blankLines gives the length of the empty lines at the beginning of s. A CR at
// its end is one unless more may follow.
func blankLines[T text](s T, more bool) int {
	i := 0
	for i < len(s) {
		switch {
		case s[i] == '\n':
			i++
		case s[i] == '\r' && i+1 < len(s) && s[i+1] == '\n':
			i += 2
		case s[i] == '\r' && i+1 == len(s) && !more:
			i++
		default:
			return i
		}
	}
	return i
}

// csvShape reads CSV with a header.
type csvShape struct {
	columns []string
	cells   int // of the row found last
}

func (c *csvShape) names() []string { return c.columns }

func (c *csvShape) find(piece []byte, more bool) (span, *flaw) {
	if skip := blankLines(piece, more); skip > 0 {
		return span{skip: skip}, nil
	}
	if len(piece) == 0 {
		return span{}, nil
	}
	for i, cells := 0, 1; ; cells++ {
		cell, flaw := readCell(piece, i, more)
		if flaw != nil || cell.next == 0 {
			return span{}, flaw
		}
		if i = cell.next; cell.last {
			c.cells = cells
			return span{size: i}, nil
		}
	}
}

func (c *csvShape) take(row []byte) (counts bool, _ *flaw) {
	if c.columns == nil {
		return false, c.header(string(row))
	}
	if c.cells != len(c.columns) {
		return false, &flaw{
			whole:    true,
			what:     "the row has " + plural(c.cells, "field"),
			expected: fmt.Sprintf("%d, as the header has", len(c.columns)),
		}
	}
	return true, nil
}

// header takes the names of the columns from the first row. Blanks around them
// are not theirs.
func (c *csvShape) header(row string) *flaw {
	seen := make(map[string]int)
	for i := 0; ; {
		cell, flaw := readCell(row, i, false)
		if flaw != nil {
			return flaw
		}
		name := strings.TrimSpace(cell.value(row))
		if flaw := checkColumn(seen, name); flaw != nil {
			flaw.at = i
			return flaw
		}
		seen[name] = len(seen)
		c.columns = append(c.columns, name)
		if i = cell.next; cell.last {
			return nil
		}
	}
}

func (c *csvShape) end() *flaw {
	if c.columns == nil {
		return &flaw{whole: true, what: "the file is empty", expected: "a header with the names of the columns, then rows"}
	}
	return nil
}

func (c *csvShape) split(row string, dst []string) ([]string, bool) {
	i := 0
	for n := 1; n <= len(c.columns); n++ {
		cell, flaw := readCell(row, i, false)
		if flaw != nil || cell.last != (n == len(c.columns)) {
			return dst, false
		}
		dst = append(dst, cell.value(row))
		i = cell.next
	}
	return dst, i+blankLines(row[i:], false) == len(row)
}

// plural counts things: 1 field, 2 fields.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
