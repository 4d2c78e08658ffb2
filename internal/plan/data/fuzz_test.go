package data

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzOpen holds any file to what the standard library reads. Its corpus begins
// with the files of the tables.
func FuzzOpen(f *testing.F) {
	for _, c := range goodFiles {
		f.Add(c.format == CSV, c.content)
	}
	for _, c := range badFiles {
		f.Add(c.format == CSV, c.content)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, asCSV bool, content string) {
		const most = 8 << 10 // encoding/json limits the depth of nesting
		format := JSON
		if asCSV {
			format = CSV
		}
		if len(content) <= most {
			agree(t, dir, format, content)
		}
	})
}

// FuzzSplit gives the reading of rows text that was never checked, as a file has
// that changed after it was opened: it may refuse, and must not panic.
func FuzzSplit(f *testing.F) {
	for _, row := range []string{"1,2\n", "\"\"\"\",\n", `{"a":1,"b":"\n"}`, `{"a":"`, `{"a":1,"b":2},`, `{"a`, `"`, `{"a":}`} {
		f.Add(row)
	}
	columns := []string{"a", "b"}
	shapes := []shape{
		&csvShape{columns: columns},
		&jsonShape{columns: columns, byName: map[string]int{"a": 0, "b": 1}},
	}
	f.Fuzz(func(t *testing.T, row string) {
		for _, s := range shapes {
			got, ok := s.split(strings.Clone(row), []string{"kept"})
			if ok && (len(got) != 1+len(columns) || got[0] != "kept") {
				t.Errorf("%q: got %q", row, got)
			}
			if ok && utf8.ValidString(row) != utf8.ValidString(strings.Join(got, "")) && utf8.ValidString(row) {
				t.Errorf("%q: got %q, which is no text", row, got)
			}
		}
	})
}
