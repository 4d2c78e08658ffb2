package show

import (
	"slices"
	"strings"
)

// A Table has rows of cells below a head. The first column holds names and
// takes what room the numbers leave; every other column is as wide as its
// widest cell and stands at the right.
type Table struct {
	Head  []string
	Rows  [][]string // short rows are filled with empty cells
	Least int        // cells that a column of numbers takes at least
}

// gap is the room between two columns.
const gap = 2

// least is the fewest cells that a name is cut to before the table is made
// wider than asked.
const least = 12

// Lines gives the table in lines of at most width cells, where the numbers
// leave room for that.
func (t Table) Lines(width int) []string {
	widths := t.widths()
	rest := 0
	for _, w := range widths[1:] {
		rest += gap + w
	}
	widths[0] = max(min(widths[0], width-rest), min(widths[0], least))
	lines := []string{row(t.Head, widths)}
	for _, r := range t.Rows {
		lines = append(lines, row(r, widths))
	}
	return lines
}

// Fitting is how many of the columns, the first among them, fit into lines of at
// most width cells; two at least.
func (t Table) Fitting(width int) int {
	widths := t.widths()
	used := min(widths[0], least)
	for i, w := range widths[1:] {
		if used += gap + w; used > width && i > 0 {
			return i + 1
		}
	}
	return len(widths)
}

// Columns is the table with its first column and those from one to before
// another.
func (t Table) Columns(from, to int) Table {
	part := func(cells []string) []string {
		from, to := min(from, len(cells)), min(to, len(cells))
		return append(slices.Clone(cells[:min(1, len(cells))]), cells[from:to]...)
	}
	out := Table{Head: part(t.Head), Least: t.Least}
	for _, r := range t.Rows {
		out.Rows = append(out.Rows, part(r))
	}
	return out
}

// widths is the width of each column's widest cell.
func (t Table) widths() []int {
	widths := make([]int, len(t.Head))
	for _, r := range append([][]string{t.Head}, t.Rows...) {
		for i, cell := range r {
			widths[i] = max(widths[i], Width(cell))
		}
	}
	for i := 1; i < len(widths); i++ {
		widths[i] = max(widths[i], t.Least)
	}
	return widths
}

func row(cells []string, widths []int) string {
	var b strings.Builder
	for i, w := range widths {
		cell := ""
		if i < len(cells) {
			cell = cells[i]
		}
		if i == 0 {
			b.WriteString(Left(cell, w))
			continue
		}
		b.WriteString(strings.Repeat(" ", gap) + Right(cell, w))
	}
	return strings.TrimRight(b.String(), " ")
}
