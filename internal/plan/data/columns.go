package data

import (
	"fmt"
	"strings"
	"unicode"
)

// nameable reports whether a template can name a column: set.NAME, where NAME is
// one or more parts of letters, digits, _ and - with dots between them.
func nameable(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || strings.ContainsFunc(part, isForeign) {
			return false
		}
	}
	return true
}

// isForeign reports whether r can't be in a name.
func isForeign(r rune) bool {
	return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// checkColumn says what is wrong with name after the columns before it.
func checkColumn(before map[string]int, name string) *flaw {
	if first, twice := before[name]; twice {
		return &flaw{
			what:     fmt.Sprintf("columns %d and %d are both called %s", first+1, len(before)+1, show(name)),
			expected: "another name",
		}
	}
	if nameable(name) {
		return nil
	}
	expected := "letters, digits, _ and -, so that templates can name it"
	if strings.ContainsAny(name, ";\t|") {
		expected = "columns with commas between them"
	}
	return &flaw{what: fmt.Sprintf("column %d is called %s", len(before)+1, show(name)), expected: expected}
}
