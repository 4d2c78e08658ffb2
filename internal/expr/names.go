package expr

import (
	"slices"
	"strings"
)

// function describes one function of templates.
type function struct {
	name string
	args string // how its arguments are called in messages; "" takes none
}

// functions are the functions of templates. They can't be names.
var functions = []function{
	{"uuid", ""}, {"rand", "A B"}, {"randstr", "N"}, {"now", ""}, {"vu", ""}, {"iteration", ""},
	{"json", "X"}, {"base64", "X"}, {"urlquery", "X"},
}

// keywords are the words of conditions. They can't be names.
var keywords = []string{"and", "or", "not", "contains", "matches"}

// lookup gives the function called name.
func lookup(name string) (fn function, ok bool) {
	i := slices.IndexFunc(functions, func(f function) bool { return f.name == name })
	if i < 0 {
		return function{}, false
	}
	return functions[i], true
}

// arity is the number of arguments that f takes.
func (f function) arity() int { return len(strings.Fields(f.args)) }

// Builtins lists what plans may not redefine: the functions of templates, the
// words of conditions, and env.
func Builtins() []string {
	words := make([]string, 0, len(functions)+len(keywords)+1)
	for _, f := range functions {
		words = append(words, f.name)
	}
	return append(append(words, keywords...), "env")
}

// CheckName says whether a plan may give this name to a variable, a capture or
// a data set: one word of the grammar that is not a built-in. The error is a
// [SyntaxError] at offset 0 or at the byte that does not fit.
func CheckName(name string) error {
	c := cursor{text: name}
	if word, ok := c.word(); !ok || word != name {
		return c.fault(c.pos, quote(name)+" can't be a name", "a letter or _, then letters, digits, _ or -")
	}
	if slices.Contains(Builtins(), name) {
		return c.fault(0, quote(name)+" is built in and can't be redefined", "another name")
	}
	return nil
}

// Nearest gives the word of known that text was probably meant to be, or "".
// One byte or a third of text may differ; of equally near words the first wins.
func Nearest(text string, known []string) string {
	const longest = 64 // longer texts are not typing mistakes
	if len(text) > longest {
		return ""
	}
	best, least := "", min(max(1, len(text)/3), len(text)-1)+1
	for _, word := range known {
		if strings.EqualFold(word, text) {
			return word
		}
		if len(word) > longest {
			continue
		}
		if d := distance(text, word); d < least {
			best, least = word, d
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b (optimal string alignment).
func distance(a, b string) int {
	var rows [3][65]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
