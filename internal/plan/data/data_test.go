package data

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// file writes a file for a test.
func file(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rows reads all rows of a set.
func rows(t testing.TB, s *Set) [][]string {
	t.Helper()
	all := make([][]string, s.Len())
	for n := range all {
		row, err := s.Row(int64(n), nil)
		if err != nil {
			t.Fatal(err)
		}
		all[n] = row
	}
	return all
}

// both opens a file with its rows in memory and with its rows on disk.
func both(t testing.TB, format, content string, check func(s *Set)) {
	t.Helper()
	path := file(t, content)
	for _, limit := range []int64{inMemory, -1} {
		s, err := open(path, format, limit)
		if err != nil {
			t.Fatalf("%q: %v", content, err)
		}
		check(s)
		if s.Digest() != sha256.Sum256([]byte(content)) {
			t.Errorf("%q: the digest is not that of the file", content)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFormats(t *testing.T) {
	for _, c := range []struct {
		format, content string
		columns         []string
		rows            [][]string
	}{
		{CSV, "name,age\nada,36\nbob,7\n", []string{"name", "age"}, [][]string{{"ada", "36"}, {"bob", "7"}}},
		{CSV, "\ufeffname , age\r\nada,36\r\n\r\nbob,7", []string{"name", "age"}, [][]string{{"ada", "36"}, {"bob", "7"}}},
		{CSV, "a,b\n\"x,\"\"y\"\"\",\"two\r\nlines\"\n,\n\"\",z\r", []string{"a", "b"}, [][]string{{`x,"y"`, "two\r\nlines"}, {"", ""}, {"", "z"}}},
		{CSV, "\n\na\nx\n\"\"\ny", []string{"a"}, [][]string{{"x"}, {""}, {"y"}}},
		{JSON, `[{"name": "ada", "age": 36}, {"age": 7.50, "name": "b\u00f6b"}]`, []string{"name", "age"}, [][]string{{"ada", "36"}, {"böb", "7.50"}}},
		{JSON, " [ {\"a\":null,\"b\":true , \"c\":{\"x\":[1, \"]\"]}}\n,\t{ \"a\":\"\\\"}\",\"b\":[],\"c\":-1e3 } ] \n", []string{"a", "b", "c"}, [][]string{{"", "true", `{"x":[1, "]"]}`}, {`"}`, "[]", "-1e3"}}},
		{JSON, "{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}", []string{"a"}, [][]string{{"1"}, {"2"}, {"3"}}},
	} {
		both(t, c.format, c.content, func(s *Set) {
			if !reflect.DeepEqual(s.Columns(), c.columns) || !reflect.DeepEqual(rows(t, s), c.rows) {
				t.Errorf("%q: got %q %q", c.content, s.Columns(), rows(t, s))
			}
		})
	}
}

func TestFaultyFiles(t *testing.T) {
	for _, c := range []struct{ format, content, want string }{
		{CSV, "", ": is empty; expected a row with the names of the columns, then rows"},
		{CSV, "\n\r\n", ": is empty; expected a row with the names of the columns, then rows"},
		{CSV, "a,b\n", ": has no rows; expected at least one"},
		{CSV, "a,b\n1,2\n\n1,2,3\n", ", line 4: 3 fields; expected 2 as in the first row"},
		{CSV, "a,b\n\"x\ny\",2\n1\n", ", line 4: 1 fields; expected 2 as in the first row"},
		{CSV, "a,,b\n", ", line 1: column 2 has no name; expected a row with the names of the columns, then rows"},
		{CSV, "a,b,a\n", `, line 1: two columns are named "a"; expected each name once`},
		{CSV, "a\nx\"y\n", ", line 2: a quote within a field that does not begin with one; expected the field in quotes, its own quotes doubled"},
		{CSV, "a,b\n1,\"x\ny\" z\n", ", line 3: text behind a field in quotes; expected a comma or the end of the line"},
		{CSV, "a\nb\n\"x\n", ", line 3: the quotes of a field have no end"},
		{JSON, "", ": is empty; expected an array of objects, or an object in each line"},
		{JSON, "[]", ": is empty; expected an array of objects, or an object in each line"},
		{JSON, "{}", ", line 1: the first object is empty; expected the columns as its keys"},
		{JSON, "5", `, line 1: "5" where an object should be; expected an array of objects, or an object in each line`},
		{JSON, "[{\"a\":1},\n 5]", `, line 2: "5" where an object should be; expected an array of objects, or an object in each line`},
		{JSON, "[{\"a\":1}\n{\"a\":1}]", ", line 2: an object where a comma or ] should be; expected an array of objects, or an object in each line"},
		{JSON, "[{\"a\":1}] {\"a\":1}", ", line 1: an object where a comma or ] should be; expected an array of objects, or an object in each line"},
		{JSON, "[{\"a\":1},]", `, line 1: "]" where an object should be; expected an array of objects, or an object in each line`},
		{JSON, "[{\"a\":1}", ", line 1: the array has no end; expected ]"},
		{JSON, "[{\"a\":1},\n{\"a\":\"}", ", line 2: the object has no end"},
		{JSON, "[{\"a\":1},{\"b\":1}]", `, line 1: the object has a key "b" that the first one has not; expected a`},
		{JSON, "[{\"a\":1,\"b\":2},\n{\"a\":1}]", `, line 2: the object has no "b"; expected the keys of the first object in all`},
		{JSON, "[{\"a\":1,\"a\":2}]", `, line 1: the object has the key "a" twice; expected each key once`},
		{JSON, "[{a:1}]", ", line 1: this is no JSON: invalid character 'a' looking for beginning of object key string"},
		{JSON, "[{\"\":1}]", ", line 1: a key of the object is empty"},
	} {
		path := file(t, c.content)
		_, err := Open(path, c.format)
		if _, is := errors.AsType[*FileError](err); !is || strings.TrimPrefix(err.Error(), path) != c.want {
			t.Errorf("%q:\n got %v\nwant %s", c.content, err, c.want)
		}
	}
}

func TestUnreadableFiles(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.csv")
	if _, err := Open(missing, CSV); err == nil || !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), missing+": can't be opened: ") {
		t.Errorf("got %v", err)
	}
	if _, err := Open(t.TempDir(), CSV); err == nil || !strings.HasSuffix(err.Error(), ": is no regular file") {
		t.Errorf("got %v", err)
	}
}

// TestWhatAnotherWrites reads back what the standard library writes.
func TestWhatAnotherWrites(t *testing.T) {
	dir := t.TempDir()
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "x y", "it's", `"`, `""`, ",", "\n", "\r\n", "é", "{", "]", `\`, "null", "5"}), rapid.StringN(0, 8, 20))
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 4).Draw(t, "width")
		want := rapid.SliceOfN(rapid.SliceOfN(text, width, width), 1, 100).Draw(t, "rows")
		var asCSV bytes.Buffer
		w := csv.NewWriter(&asCSV)
		header := []string{"a", "b", "c", "d"}[:width]
		_ = w.Write(header)
		var objects []map[string]string
		for i, row := range want {
			object := map[string]string{}
			for k, v := range row {
				want[i][k] = strings.ToValidUTF8(strings.ReplaceAll(v, "\r", ""), "")
				object[header[k]] = want[i][k]
			}
			if width == 1 && want[i][0] == "" {
				want[i][0], object["a"] = "x", "x" // the standard library writes an empty line
			}
			_ = w.Write(want[i])
			objects = append(objects, object)
		}
		w.Flush()
		asJSON, _ := json.Marshal(objects)
		for format, content := range map[string][]byte{CSV: asCSV.Bytes(), JSON: asJSON} {
			path := filepath.Join(dir, format)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, limit := range []int64{inMemory, -1} {
				s, err := open(path, format, limit)
				if err != nil {
					t.Fatalf("%v of %q", err, content)
				}
				got := make([][]string, s.Len())
				for n := range got {
					got[n], _ = s.Row(int64(n), nil)
				}
				_ = s.Close()
				if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(s.Columns(), header) {
					t.Fatalf("%s: got %q, want %q", content, got, want)
				}
			}
		}
	})
}

// TestLargeFile reads rows here and there of a file that is larger than what is
// read at once, from several goroutines.
func TestLargeFile(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,name\n")
	const count = 50_000
	for i := range count {
		fmt.Fprintf(&b, "%d,\"user \"\"%d\"\"\"\n", i, i)
	}
	both(t, CSV, b.String(), func(s *Set) {
		if s.Len() != count || s.Size() != int64(b.Len()) || s.Memory() <= 0 {
			t.Fatalf("%d rows of %d bytes", s.Len(), s.Size())
		}
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				var row []string
				for n := int64(g); n < count; n += 997 {
					var err error
					if row, err = s.Row(n, row[:0]); err != nil || row[0] != fmt.Sprint(n) || row[1] != fmt.Sprintf("user %q", fmt.Sprint(n)) {
						t.Errorf("row %d: %q, %v", n, row, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestRowLimits(t *testing.T) {
	both(t, CSV, "a\nx\n", func(s *Set) {
		for _, n := range []int64{-1, 1} {
			if _, err := s.Row(n, nil); err == nil {
				t.Errorf("there is a row %d", n)
			}
		}
	})
	path := file(t, "a\n"+strings.Repeat("x", longestRow+chunk)+"\n")
	if _, err := Open(path, CSV); err == nil || !strings.HasSuffix(err.Error(), ", line 2: a row of more than 16777216 bytes") {
		t.Errorf("got %v", err)
	}
}

// TestChangedFile reads a row of a file that was cut off after it was opened.
func TestChangedFile(t *testing.T) {
	path := file(t, "a\n"+strings.Repeat("x\n", 100))
	s, err := open(path, CSV, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := os.Truncate(path, 20); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Row(99, nil); err == nil {
		t.Error("a row that is gone was read")
	}
}

func TestRowsCostNothing(t *testing.T) {
	content := "a,b\n" + strings.Repeat("one,two\n", 1000)
	both(t, CSV, content, func(s *Set) {
		row, n := make([]string, 0, 2), int64(0)
		allocations := testing.AllocsPerRun(100, func() {
			row, _ = s.Row(n%1000, row[:0])
			n++
		})
		if _, small := s.store.(*memory); small && allocations > 0 || allocations > 3 {
			t.Errorf("%v allocations for a row", allocations)
		}
	})
}

func FuzzOpen(f *testing.F) {
	for _, content := range []string{"a,b\n1,2\n", "a\n\"x\"\"y\"\r\n", `[{"a":1},{"a":"\u0041"}]`, "{\"a\":{}}\n{\"a\":[]}", "\"", "[{"} {
		f.Add(content, true)
		f.Add(content, false)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content string, asCSV bool) {
		path, format := filepath.Join(dir, "data"), JSON
		if asCSV {
			format = CSV
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		small, err := open(path, format, inMemory)
		large, again := open(path, format, -1)
		if fmt.Sprint(err) != fmt.Sprint(again) {
			t.Fatalf("in memory: %v; on disk: %v", err, again)
		}
		if err != nil {
			return
		}
		if a, b := rows(t, small), rows(t, large); !reflect.DeepEqual(a, b) {
			t.Errorf("in memory: %q; on disk: %q", a, b)
		}
		_, _ = small.Close(), large.Close()
	})
}
