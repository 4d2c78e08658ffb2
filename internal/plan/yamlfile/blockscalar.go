package yamlfile

import "strings"

// block reads text in lines of its own, after | (literal) or > (folded).
func (p *scanner) block(parent int) *Node {
	n := p.node(Text, p.here())
	h, ok := p.header()
	if !ok {
		line := strings.TrimRight(p.src[p.pos:p.restOfLine()], " \t")
		p.fail(n.Pos, "nothing but + - and a digit can follow > or | in its line", "text that begins so in quotes")
		p.fatal.Meant = `"` + line + `"`
		return n
	}
	lines := p.blockLines(parent, &h)
	if h.folded {
		n.Text = foldLines(lines)
	} else {
		n.Text, n.style, n.indent = strings.Join(lines, "\n"), literal, max(h.indent, 0)
	}
	n.Text = h.chomp(n.Text, lines)
	return n
}

// header is what follows | or >.
type header struct {
	folded bool
	keep   byte // '-': no line end at the end, '+': all of them, 0: one
	indent int  // column of the lines, from 0; -1: that of the first
}

// header reads the indicators up to the end of the line. If there is anything
// else it passes nothing.
func (p *scanner) header() (h header, ok bool) {
	before := *p
	h = header{folded: p.peek() == '>', indent: -1}
	p.skip(1)
	for {
		switch c := p.peek(); {
		case (c == '+' || c == '-') && h.keep == 0:
			h.keep = c
		case '1' <= c && c <= '9' && h.indent < 0:
			h.indent = int(c - '0')
		default:
			if blank := isBreak(c); blank && p.lineEnd() {
				return h, true
			}
			*p = before
			return h, false
		}
		p.skip(1)
	}
}

// blockLines reads the lines of a block, without their indentation.
func (p *scanner) blockLines(parent int, h *header) []string {
	if h.indent > 0 {
		h.indent += max(parent, 0)
	}
	var lines []string
	for p.peek() == '\n' {
		next := p.src[p.pos+1:]
		if end := strings.IndexByte(next, '\n'); end >= 0 {
			next = next[:end]
		}
		text := strings.TrimLeft(next, " ")
		column := len(next) - len(text)
		if text != "" && h.indent < 0 && column > parent {
			h.indent = column
			for i, blank := range lines {
				lines[i] = blank[min(column, len(blank)):]
			}
		}
		outside := column < h.indent || h.indent < 0 || column == 0 && (strings.HasPrefix(next, "---") || strings.HasPrefix(next, "...")) && parent < 0
		if text != "" && outside {
			break
		}
		p.newline()
		p.skip(len(next))
		if p.end() && next == "" {
			break // what follows the last line end is no line
		}
		lines = append(lines, next[min(max(h.indent, 0), column):])
	}
	if h.indent < 0 {
		for i := range lines {
			lines[i] = ""
		}
	}
	return lines
}

// chomp ends the text of a block as its header says.
func (h header) chomp(text string, lines []string) string {
	trimmed := strings.TrimRight(text, "\n")
	switch {
	case h.keep == '-':
		return trimmed
	case h.keep == '+' && len(lines) > 0:
		trailing := 0
		for trailing < len(lines) && lines[len(lines)-1-trailing] == "" {
			trailing++
		}
		if trimmed == "" {
			return strings.Repeat("\n", trailing)
		}
		return trimmed + strings.Repeat("\n", trailing+1)
	case trimmed == "":
		return ""
	}
	return trimmed + "\n"
}

// foldLines joins the lines of a folded block: with blanks, but lines that are
// empty or indented keep their ends.
func foldLines(lines []string) string {
	var b strings.Builder
	breaks, indented := 0, true // as before the first line
	for i, line := range lines {
		if line == "" {
			breaks++
			continue
		}
		more := line[0] == ' ' || line[0] == '\t'
		switch {
		case i == breaks: // only empty lines came before
			b.WriteString(strings.Repeat("\n", breaks))
		case more || indented:
			b.WriteString(strings.Repeat("\n", breaks+1))
		default:
			b.WriteString(foldBreaks(breaks + 1))
		}
		b.WriteString(line)
		breaks, indented = 0, more
	}
	return b.String()
}
