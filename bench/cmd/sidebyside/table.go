//go:build linux

package main

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// table formats rows as a Markdown table, its first row the head; short rows
// are filled up.
func table(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var s strings.Builder
	for n, row := range rows {
		for i, width := range widths {
			cell := ""
			if i < len(row) {
				cell = row[i]
			}
			s.WriteString("| " + cell + strings.Repeat(" ", width-utf8.RuneCountInString(cell)) + " ")
		}
		s.WriteString("|\n")
		if n == 0 {
			s.WriteString(rule(widths))
		}
	}
	return s.String()
}

// rule is the line below the head: the first column left, the others right.
func rule(widths []int) string {
	var s strings.Builder
	for i, width := range widths {
		if i == 0 {
			s.WriteString("|" + strings.Repeat("-", width+2))
		} else {
			s.WriteString("|" + strings.Repeat("-", width+1) + ":")
		}
	}
	return s.String() + "|\n"
}

// ratio is a/b, and 0 where that means nothing.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// median of values; 0 if there are none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func least(values []float64) float64 { return slices.Min(values) }
func most(values []float64) float64  { return slices.Max(values) }

// farthest is the value that is farthest from 0; 0 if there are none.
func farthest(values []float64) float64 {
	var far float64
	for _, v := range values {
		if math.Abs(v) > math.Abs(far) {
			far = v
		}
	}
	return far
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// times formats a ratio; 0 stands for one that could not be formed.
func times(x float64) string {
	if x == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", x)
}

var plain = regexp.MustCompile(`^[\w./:=,@%+-]+$`)

// quoted is a command line as one would type it; files of the run, long gone,
// are shown as if they were in /tmp.
func (b *bench) quoted(argv []string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = strings.ReplaceAll(word, b.scratch, "/tmp")
		if !plain.MatchString(word) {
			words[i] = "'" + words[i] + "'"
		}
	}
	return strings.Join(words, " ")
}
