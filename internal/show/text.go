package show

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Clean makes text that came from outside safe to print on one line of a
// terminal: control characters, those that turn the direction of writing, other
// invisible ones and bytes that are not UTF-8 become escapes (\n, \x1b, \u202e).
func Clean(s string) string {
	if !strings.ContainsFunc(s, unsafe) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, size := 0, 0; i < len(s); i += size {
		var r rune
		r, size = utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unsafe(r):
			b.WriteString(escape(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unsafe reports whether r must not reach a terminal as it is.
func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

func escape(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// Width is the number of terminal cells that s takes; colours take none.
func Width(s string) int { return ansi.StringWidth(s) }

// Fit cuts s to at most width cells, its last one an ellipsis if it was longer.
func Fit(s string, width int) string {
	if width <= 0 {
		return ""
	}
	return ansi.Truncate(s, width, "…")
}

// Left puts s at the left of exactly width cells.
func Left(s string, width int) string {
	s = Fit(s, width)
	return s + strings.Repeat(" ", max(0, width-Width(s)))
}

// Right puts s at the right of exactly width cells.
func Right(s string, width int) string {
	s = Fit(s, width)
	out := strings.Repeat(" ", max(0, width-Width(s))) + s
	for Width(out) < width {
		out = " " + out // s begins with a mark that joined the blank before it
	}
	return out
}

// Wrap breaks text at blanks into lines of at most width cells. A word that is
// longer is broken. There is always at least one line.
func Wrap(s string, width int) []string {
	return strings.Split(ansi.Wrap(s, max(1, width), ""), "\n")
}

// Flow puts parts beside each other with sep between them, as many on a line of
// at most width cells as fit. A part is only broken if it is longer than a line.
func Flow(parts []string, sep string, width int) []string {
	lines := []string{""}
	for _, part := range parts {
		last := &lines[len(lines)-1]
		joined := *last + sep + part
		switch {
		case *last == "":
			*last = part
		case Width(joined) <= width:
			*last = joined
		default:
			lines = append(lines, part)
		}
		if wrapped := Wrap(lines[len(lines)-1], width); len(wrapped) > 1 {
			lines = append(lines[:len(lines)-1], wrapped...)
		}
	}
	return lines
}
