package yamlfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a file. Lines and columns count from 1, columns in
// characters. The zero Pos is no place: the fault is of the whole file or of
// something outside it.
type Pos struct{ Line, Col int }

// Fault is one thing that is wrong with a file.
type Fault struct {
	File     string // as the user named it; "": the fault is not in a file
	Pos      Pos
	What     string // what is wrong
	Expected string // what would have been right; "" if there is no one answer
	Meant    string // a likely correction; "" if none is near
	Outside  bool   // the fault is of something outside the file
	From     string // what that is, such as a flag with its name
}

// String is the fault as one line: FILE:LINE:COL: what; expected …; did you mean ….
func (f Fault) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File)
		if f.Pos.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", f.Pos.Line, f.Pos.Col)
		}
		b.WriteString(": ")
	}
	b.WriteString(f.Message())
	return b.String()
}

// Message is the fault without its place.
func (f Fault) Message() string {
	s := oneLine(f.What)
	if f.From != "" {
		s = oneLine(f.From) + ": " + s
	}
	if f.Expected != "" {
		s += "; expected " + oneLine(f.Expected)
	}
	if f.Meant != "" {
		s += "; did you mean " + oneLine(f.Meant)
	}
	return s
}

// oneLine keeps a message on its line whatever the file had in it.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}

// MaxShown is how many faults are listed before only their number is told.
const MaxShown = 50

// Faults is everything that is wrong with a file, in its order. It is an error
// whose message has one line for each of the first MaxShown faults, and then
// the number of the rest.
type Faults []Fault

// Error lists the faults.
func (fs Faults) Error() string {
	lines := make([]string, 0, min(len(fs), MaxShown)+1)
	for _, f := range fs[:min(len(fs), MaxShown)] {
		lines = append(lines, f.String())
	}
	if rest := len(fs) - MaxShown; rest > 0 {
		lines = append(lines, fmt.Sprintf("and %d more: %d faults in all", rest, len(fs)))
	}
	return strings.Join(lines, "\n")
}

// Err is the faults as an error, nil if there are none.
func (fs Faults) Err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

// Sorted gives the faults in the order of the file. Of several at one place the
// first stays: what could not be read is not told to be zero or unknown as well.
// Those without a place come last.
func (fs Faults) Sorted() Faults {
	sorted := slices.Clone(fs)
	slices.SortStableFunc(sorted, func(a, b Fault) int {
		return cmp.Or(compareLines(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	return slices.CompactFunc(sorted, func(a, b Fault) bool {
		return a == b || a.Pos == b.Pos && a.Pos.Line > 0
	})
}

// compareLines orders line numbers with 0, which is no line, at the end.
func compareLines(a, b int) int {
	if (a == 0) != (b == 0) {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}
