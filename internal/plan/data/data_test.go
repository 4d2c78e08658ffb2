package data

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
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

// ways opens a file with its rows in memory and with its rows on disk.
func ways(t testing.TB, format, content string, check func(s *Set)) {
	t.Helper()
	path := file(t, content)
	for _, memory := range []int64{inMemory, -1} {
		s, err := open(path, format, memory, MaxRow)
		if err != nil {
			t.Fatalf("%q: %v", content, err)
		}
		check(s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

var goodFiles = []struct {
	format, content string
	columns         []string
	rows            [][]string
}{
	{CSV, "name,age\nada,36\nbob,7\n", []string{"name", "age"}, [][]string{{"ada", "36"}, {"bob", "7"}}},
	{CSV, "\ufeffname , age\r\nada,36\r\n\r\nbob,7", []string{"name", "age"}, [][]string{{"ada", "36"}, {"bob", "7"}}},
	{CSV, "a,b\n\"x,\"\"y\"\"\",\"two\r\nlines\"\n,\n\"\",z\r", []string{"a", "b"}, [][]string{{`x,"y"`, "two\nlines"}, {"", ""}, {"", "z"}}},
	{CSV, "\n\na\nx\n\"\"\ny", []string{"a"}, [][]string{{"x"}, {""}, {"y"}}},
	{CSV, "größe,a.b,_c-1,2\n 1 ,2,3,\"4\"\r", []string{"größe", "a.b", "_c-1", "2"}, [][]string{{" 1 ", "2", "3", "4"}}},
	{JSON, `[{"name": "ada", "age": 36}, {"age": 7.50, "name": "b\u00f6b"}]`, []string{"name", "age"}, [][]string{{"ada", "36"}, {"böb", "7.50"}}},
	{JSON, " [ {\"a\":null,\"b\":true , \"c\":{\"x\":[1, \"]\"]}}\n,\t{ \"a\":\"\\\"}\",\"b\":[],\"c\":-1e3 } ] \n", []string{"a", "b", "c"}, [][]string{{"", "true", `{"x":[1, "]"]}`}, {`"}`, "[]", "-1e3"}}},
	{JSON, "{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}", []string{"a"}, [][]string{{"1"}, {"2"}, {"3"}}},
	{JSON, "\ufeff{\n  \"a\": \"1\",\n  \"\\u0062\": \"\"\n}\n{\"b\": \"null\", \"\\u0061\": \"\\ud83d\\ude00\"}", []string{"a", "b"}, [][]string{{"1", ""}, {"😀", "null"}}},
}

func TestFiles(t *testing.T) {
	for _, c := range goodFiles {
		ways(t, c.format, c.content, func(s *Set) {
			if got := rows(t, s); !reflect.DeepEqual(s.Columns(), c.columns) || !reflect.DeepEqual(got, c.rows) {
				t.Errorf("%q: got %q %q", c.content, s.Columns(), got)
			}
			if s.Digest() != sha256.Sum256([]byte(c.content)) || s.Size() != int64(len(c.content)) {
				t.Errorf("%q: the digest or size is not that of the file", c.content)
			}
		})
	}
}

var badFiles = []struct{ format, content, want string }{
	{CSV, "", ": the file is empty; expected a header with the names of the columns, then rows"},
	{CSV, "\ufeff\n\r\n", ": the file is empty; expected a header with the names of the columns, then rows"},
	{CSV, "a,b\n", ": the file has no rows; expected at least one"},
	{CSV, "a,b\n1,2\n\n1,2,3\n", ":4: the row has 3 fields; expected 2, as the header has"},
	{CSV, "a,b\n\"x\ny\",2\n1\n", ":4: the row has 1 field; expected 2, as the header has"},
	{CSV, "a,,b\n1,2,3", `:1:3: column 2 is called ""; expected letters, digits, _ and -, so that templates can name it`},
	{CSV, "a,b,a\n1,2,3", `:1:5: columns 1 and 3 are both called "a"; expected another name`},
	{CSV, "a;b\n1;2", `:1:1: column 1 is called "a;b"; expected columns with commas between them`},
	{CSV, "\ufeffa b,c\n1,2", `:1:1: column 1 is called "a b"; expected letters, digits, _ and -, so that templates can name it`},
	{CSV, "ä,first name\n1,2", `:1:3: column 2 is called "first name"; expected letters, digits, _ and -, so that templates can name it`},
	{CSV, "a,b.\n1,2", `:1:3: column 2 is called "b."; expected letters, digits, _ and -, so that templates can name it`},
	{CSV, "a\né\"y\n", `:2:2: a " within a field that does not begin with one; expected the field in quotes and its " doubled`},
	{CSV, "a,b\n1,\"x\ny\" z\n", `:3:3: text after a closing quote; expected , or the end of the line (a " within quotes is doubled)`},
	{CSV, "a\nb\n\"x\n", `:3:1: a quote is not closed; expected "`},
	{CSV, "a,b\n1,é\xe9\n", `:2:4: the byte 0xe9 is not UTF-8; expected the file in UTF-8`},
	{CSV, "a\nx\"\xff", `:2:2: a " within a field that does not begin with one; expected the field in quotes and its " doubled`},
	{CSV, "a\n\xc3", `:2:1: the byte 0xc3 is not UTF-8; expected the file in UTF-8`},
	{CSV, "\xff\xfea\x00\"\x00\n\x00", `:1:1: the byte 0xff is not UTF-8; expected the file in UTF-8`},
	{JSON, "", ": the file is empty; expected [ and objects, or an object on each line"},
	{JSON, " \n", ": the file is empty; expected [ and objects, or an object on each line"},
	{JSON, "[]", ": the file has no rows; expected at least one"},
	{JSON, "{}", ":1:1: the first object has no keys; expected its keys as names of the columns"},
	{JSON, "[{}]", ":1:2: the first object has no keys; expected its keys as names of the columns"},
	{JSON, "5", `:1:1: found "5"; expected [ and objects, or an object on each line`},
	{JSON, "name,age\nada,36", `:1:1: found "name"; expected [ and objects, or an object on each line`},
	{JSON, "[[1]]", `:1:2: found "["; expected an object or ]`},
	{JSON, "[{\"a\":1},\n 5]", `:2:2: found "5"; expected an object`},
	{JSON, "[{\"a\":1}\n{\"a\":1}]", `:2:1: found "{"; expected , or ]`},
	{JSON, "[{\"a\":1}] {\"a\":1}", `:1:11: found "{"; expected nothing after the array`},
	{JSON, "[{\"a\":1},]", `:1:10: found "]"; expected an object`},
	{JSON, "{\"a\":1},{\"a\":1}", `:1:8: found ","; expected an object`},
	{JSON, "[{\"a\":1}", ":1:9: the file ends within the array; expected , or ]"},
	{JSON, "[{\"a\":1},\n{\"a\":\"}", ":2:1: an object is not closed; expected }"},
	{JSON, "[{\"a\":1},{\"b\":1}]", `:1:11: the object has a key "b"; expected only the keys of the first object`},
	{JSON, "[{\"a\":1,\"b\":2},\n{\"a\":1}]", `:2:1: the object has no key "b"; expected the keys of the first object`},
	{JSON, "[{\"a\":1},{\"a\":1,\"a\":2}]", `:1:17: the object has the key "a" twice; expected each key once`},
	{JSON, "[{\"a\":1,\"a\":2}]", `:1:9: columns 1 and 2 are both called "a"; expected another name`},
	{JSON, "[{\"\":1}]", `:1:3: column 1 is called ""; expected letters, digits, _ and -, so that templates can name it`},
	{JSON, "[{a:1}]", ":1:3: malformed JSON: invalid character 'a' looking for beginning of object key string"},
	{JSON, "[{\"a\":1},\n {\"a\":01}]", ":2:8: malformed JSON: invalid character '1' after object key:value pair"},
	{JSON, "[{\"a\":1]", ":1:8: malformed JSON: invalid character ']' after object key:value pair"},
	{JSON, "{\"a\":\"\xe9\"}", ":1:7: the byte 0xe9 is not UTF-8; expected the file in UTF-8"},
}

func TestBadFiles(t *testing.T) {
	for _, c := range badFiles {
		path := file(t, c.content)
		s, err := Open(path, c.format)
		if wrong, is := errors.AsType[*FileError](err); !is || s != nil || wrong.Path != path || wrong.Error() != path+c.want {
			t.Errorf("%q:\n got %v\nwant %s", c.content, err, c.want)
		}
	}
}

// TestSlowFiles gives the files byte by byte: what is found must not depend on
// where reading stops.
func TestSlowFiles(t *testing.T) {
	check := func(format, content string) {
		var passes [2]pass
		var errs [2]error
		for i, r := range []io.Reader{strings.NewReader(content), iotest.OneByteReader(strings.NewReader(content))} {
			s, err := shapeOf("", format)
			if err != nil {
				t.Fatal(err)
			}
			passes[i] = pass{most: 100, shape: s}
			errs[i] = passes[i].run(r)
		}
		if !reflect.DeepEqual(passes[0].rows, passes[1].rows) || !reflect.DeepEqual(errs[0], errs[1]) {
			t.Errorf("%q: at once %v, byte by byte %v, or other rows", content, errs[0], errs[1])
		}
	}
	for _, c := range goodFiles {
		check(c.format, c.content)
	}
	for _, c := range badFiles {
		check(c.format, c.content)
	}
	check(CSV, "a\n1\r\n\r\n\r\n\"2\"\r\n")
	check(CSV, "a\n\rx\n\r\r\n\r")
	check(CSV, "a\n"+strings.Repeat("x", 100)+strings.Repeat("é", 100))
}

func TestUnreadableFiles(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.csv")
	_, err := Open(missing, CSV)
	if err == nil || !errors.Is(err, fs.ErrNotExist) || err.Error() != missing+": the file does not exist" {
		t.Errorf("got %v", err)
	}
	dir := t.TempDir()
	if _, err := Open(dir, CSV); err == nil || err.Error() != dir+": this is a directory; expected a file" {
		t.Errorf("got %v", err)
	}
	if _, err := Open(os.DevNull, JSON); err == nil || err.Error() != os.DevNull+": this is not a regular file; expected a file" {
		t.Errorf("got %v", err)
	}
	path := file(t, "a\n1\n")
	if _, err := Open(path, "xml"); err == nil || err.Error() != path+`: the format "xml" is unknown; expected csv or json` {
		t.Errorf("got %v", err)
	}
	if os.Getuid() == 0 {
		return // who may read everything can't be refused
	}
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, CSV); !errors.Is(err, fs.ErrPermission) || !strings.HasPrefix(err.Error(), path+": the file can't be read: ") {
		t.Errorf("got %v", err)
	}
}
