package show

import (
	"math"
	"strings"
)

// Bar draws a part of 0 … 1 in exactly width cells, to an eighth of a cell.
func Bar(part float64, width int) string {
	if width <= 0 {
		return ""
	}
	if math.IsNaN(part) {
		part = 0
	}
	eighths := int(math.Floor(min(max(part, 0), 1) * float64(width*8)))
	full, rest := eighths/8, eighths%8
	b := strings.Repeat("█", full)
	if rest > 0 {
		b += string([]rune("▏▎▍▌▋▊▉")[rest-1])
		full++
	}
	return b + strings.Repeat("░", width-full)
}

// Spark draws the newest values, one a cell, at most width of them, against the
// greatest that is drawn. A value of zero or below, or not a number, is a low
// line, so that a gap is seen.
func Spark(values []float64, width int) string {
	values = values[max(0, len(values)-max(0, width)):]
	top := 0.0
	for _, v := range values {
		if v > top && !math.IsInf(v, 0) {
			top = v
		}
	}
	steps := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, v := range values {
		level := 0
		if v > 0 && top > 0 {
			level = int(math.Ceil(min(v/top, 1)*float64(len(steps)-1) - 1e-9))
		}
		b.WriteRune(steps[level])
	}
	return b.String()
}
