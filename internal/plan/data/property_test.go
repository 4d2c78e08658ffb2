package data

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// oracles read what Open reads, with the standard library.
var oracles = map[string]func(string) (*table, bool){CSV: csvOracle, JSON: jsonOracle}

// reporter is what tests, properties and fuzz targets have in common.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}

// agree opens content, kept in memory and on disk, and compares it with what the
// standard library reads.
func agree(t reporter, dir, format, content string) {
	t.Helper()
	path := filepath.Join(dir, "data")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	want, ok := oracles[format](content)
	for _, memory := range []int64{inMemory, -1} {
		s, err := open(path, format, memory, MaxRow)
		if ok != (err == nil) {
			t.Fatalf("%s %q: got %v, the standard library %v", format, content, err, ok)
		}
		if err != nil {
			continue
		}
		got := table{columns: s.Columns()}
		for n := range s.Len() {
			row, err := s.Row(n, []string{"kept"})
			if err != nil || row[0] != "kept" {
				t.Fatalf("%s %q row %d: %q, %v", format, content, n, row, err)
			}
			got.rows = append(got.rows, row[1:])
		}
		if err := s.Close(); err != nil {
			t.Fatalf("%v", err)
		}
		if !reflect.DeepEqual(got, *want) {
			t.Fatalf("%s %q: got %q, the standard library %q", format, content, got, *want)
		}
	}
}

// pieces joins random pieces of files.
func pieces(of ...string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(of), 0, 30).Draw(t, "pieces"), "")
	})
}

// TestAnyCSV gives pieces of CSV in any order: both readers must refuse the same
// files and read the same rows from the others.
func TestAnyCSV(t *testing.T) {
	dir := t.TempDir()
	lines := pieces("a", "é", ",", ",", `"`, `""`, `","`, "\n", "\r\n", "\r", " ", "1,2\n", "1,\"2\"\r\n", "x,\"y\ny\"\n", ";", "\xff")
	begin := rapid.SampledFrom([]string{"a,b\n", " a , b\r\n", byteOrderMark + "a,b\n", "\"a\",b\n", "a\n", ""})
	rapid.Check(t, func(t *rapid.T) {
		agree(t, dir, CSV, begin.Draw(t, "header")+lines.Draw(t, "lines"))
	})
}

// TestAnyJSON is TestAnyCSV for JSON.
func TestAnyJSON(t *testing.T) {
	dir := t.TempDir()
	text := pieces("{", "}", "[", "]", ",", ":", `"`, `"a"`, "1", "null", " ", "\n", `\`, `\u0041`, "\xff",
		`{"a":1}`, `{"a":1}`, `,{"a":"x"}`, `,{"a":{"b":[]}}`, "\n{\"a\":\"\\ud83d\\ude00\"}", `{"a":1,"b":2}`)
	begin := rapid.SampledFrom([]string{`[{"a":1}`, `{"a":1}`, `{"a":1,"b":2}`, `[{"a":1,"b":2},{"b":3,"a":4}`, ""})
	rapid.Check(t, func(t *rapid.T) {
		agree(t, dir, JSON, begin.Draw(t, "begin")+text.Draw(t, "text")+rapid.SampledFrom([]string{"", "]", "}]"}).Draw(t, "end"))
	})
}

// TestWhatIsWritten reads tables of any text, as both formats write them.
func TestWhatIsWritten(t *testing.T) {
	dir := t.TempDir()
	value := rapid.OneOf(pieces("a", `"`, ",", "\n", "\r", "\\", "{", "]", "é", "null", " "), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z_][a-z0-9_-]{0,5}`), 1, 5, rapid.ID).Draw(t, "columns")
		row := rapid.SliceOfN(value, len(columns), len(columns))
		written := table{columns: columns, rows: rapid.SliceOfN(row, 1, 40).Draw(t, "rows")}
		agree(t, dir, CSV, written.csv())
		agree(t, dir, JSON, written.json(t))
	})
}
