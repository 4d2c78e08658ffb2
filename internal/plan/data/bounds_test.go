package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestLongRows walks the bound of a row, with bounds below and above what is
// read at once.
func TestLongRows(t *testing.T) {
	for _, most := range []int{100, 64 << 10, 200 << 10} {
		csv := func(n int) string { return "a\n\"" + strings.Repeat("x", n-3) + "\"\n" }
		json := func(n int) string { return "[{\"a\":1},\n{\"a\":\"" + strings.Repeat("x", n-8) + "\"}]" }
		for _, c := range []struct {
			format, content, want string
		}{
			{CSV, csv(most), ""},
			{CSV, csv(most + 1), "the row is longer"},
			{CSV, csv(most + 100<<10), "the row is longer"},
			{CSV, "a\n1\n\"" + strings.Repeat("x\n", 200<<10), "the row is longer"},
			{CSV, "a\n1\n" + strings.Repeat("\n", most) + "2\n" + strings.Repeat("\n", most) + "3", ""},
			{CSV, "a\n1\n" + strings.Repeat("\n", most+1) + "2", "blanks and line ends are more"},
			{JSON, json(most), ""},
			{JSON, json(most + 1), "the row is longer"},
			{JSON, json(most + 100<<10), "the row is longer"},
			{JSON, "{\"a\":1}" + strings.Repeat(" ", most) + "{\"a\":2}", ""},
			{JSON, "{\"a\":1}" + strings.Repeat(" ", most+1) + "{\"a\":2}", "blanks and line ends are more"},
		} {
			s, err := open(file(t, c.content), c.format, 0, most)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%s than %d bytes", c.want, most))) {
				t.Errorf("%s of %d bytes, bound %d: %v, want %q", c.format, len(c.content), most, err, c.want)
			}
			if err == nil {
				rows(t, s)
				_ = s.Close()
			}
		}
	}
}

func TestNoSuchRow(t *testing.T) {
	ways(t, CSV, "a\nx\n", func(s *Set) {
		for _, n := range []int64{-1, 1} {
			if row, err := s.Row(n, []string{"kept"}); err == nil || len(row) != 1 || !strings.Contains(err.Error(), "expected 0 to 0") {
				t.Errorf("row %d: %q, %v", n, row, err)
			}
		}
	})
}

// TestLargeFile reads a file on the disk, of several blocks of the index and many
// times what is read at once, here and there and from several goroutines.
func TestLargeFile(t *testing.T) {
	const count = 60_000
	shapes := map[string]func(i int) string{
		CSV:  func(i int) string { return fmt.Sprintf("%d,\"user \"\"%d\"\"\"\n", i, i) },
		JSON: func(i int) string { return fmt.Sprintf("{\"id\": %d, \"name\": \"user \\\"%d\\\"\"}\n", i, i) },
	}
	for format, line := range shapes {
		var b strings.Builder
		if format == CSV {
			b.WriteString("id,name\n")
		}
		for i := range count {
			b.WriteString(line(i))
		}
		ways(t, format, b.String(), func(s *Set) {
			if s.Len() != count || s.Size() != int64(b.Len()) {
				t.Fatalf("%d rows of %d bytes", s.Len(), s.Size())
			}
			var all sync.WaitGroup
			for g := range int64(4) {
				all.Go(func() {
					row := []string{}
					for n := g; n < count; n += 97 {
						var err error
						row, err = s.Row(n, row[:0])
						if err != nil || row[0] != fmt.Sprint(n) || row[1] != fmt.Sprintf("user %q", fmt.Sprint(n)) {
							t.Errorf("row %d: %q, %v", n, row, err)
							return
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// TestMemory holds the index to its 4 bytes for a row.
func TestMemory(t *testing.T) {
	const count = 50 * blockRows
	ways(t, CSV, "a\n"+strings.Repeat("x\n", count), func(s *Set) {
		_, large := s.bytes.(*disk)
		want := int64(50 * blockBytes)
		if !large {
			want += s.Size()
		}
		if s.Memory() != want {
			t.Errorf("on disk %v: %d bytes, want %d", large, s.Memory(), want)
		}
	})
}

// TestFarRows has rows of the greatest length with the greatest gaps between
// them, so that the distances in a block come near to what they can hold.
func TestFarRows(t *testing.T) {
	var x index
	const stride = 2 * MaxRow
	for n := range int64(3 * blockRows) {
		x.add(n*stride, n*stride+MaxRow)
	}
	for n := range int64(3 * blockRows) {
		from, to := x.extent(n)
		if from != n*stride || to != from+stride && (n < x.rows-1 || to != from+MaxRow) {
			t.Fatalf("row %d is at %d to %d", n, from, to)
		}
	}
}

// TestChangedFiles changes files after they were opened.
func TestChangedFiles(t *testing.T) {
	for _, c := range []struct {
		format, before, after string
	}{
		{CSV, "a,b\n1,2\n3,4\n", "a,b\n1,2\n"},
		{CSV, "a,b\n1,2\n3,4\n", "a,b\n11,22\n3,4\n"},
		{CSV, "a,b\n1,2\n3,4\n", "a,b\n1,2\n345\n"},
		{CSV, "a,b\n1,2\n3,4\n", "a,b\n1,2\n3,\n4"},
		{JSON, `[{"a":1},{"a":2}]`, `[{"a":1}5{"a":2}]`},
		{JSON, `[{"a":1} ,{"a":2}]`, `[{"a":1  ,{"a":2}]`},
		{JSON, `[{"a":1},{"a":2}]`, `[{"a":1},{"b":2}]`},
		{JSON, `[{"a":1},{"a":2}]`, `[{"a":1}, {"a":2}]`},
		{JSON, `[{"a":1},{"a":2}]`, `[{"a":1},       ]`},
	} {
		path := file(t, c.before)
		s, err := open(path, c.format, -1, MaxRow)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(c.after), 0o600); err != nil {
			t.Fatal(err)
		}
		row, err := s.Row(0, []string{"kept"})
		if err == nil {
			row, err = s.Row(1, row[:1])
		}
		if wrong, is := errors.AsType[*FileError](err); !is || wrong.Path != path || len(row) != 1 {
			t.Errorf("%q → %q: %q, %v", c.before, c.after, row, err)
		}
		_ = s.Close()
	}
}

// meddler is a shape during whose pass something happens to the file.
type meddler struct {
	csvShape
	meddle func()
}

func (m *meddler) end() *flaw {
	m.meddle()
	return m.csvShape.end()
}

// TestChangingFiles changes files while they are checked.
func TestChangingFiles(t *testing.T) {
	for name, content := range map[string]string{"longer": "a\n1\n2\n", "shorter": "a\n", "as long": "b\n1\n"} {
		path := file(t, "a\n1\n")
		long := time.Unix(1, 0)
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		p := &pass{path: path, most: MaxRow, shape: &meddler{meddle: func() {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Error(err)
			}
			if len(content) != len("a\n1\n") {
				_ = os.Chtimes(path, long, long) // its length tells
			}
		}}}
		_, err = read(p, f, inMemory)
		if wrong, is := errors.AsType[*FileError](err); !is || wrong.What != "the file was changed while it was in use" {
			t.Errorf("%s: got %v", name, err)
		}
		_ = f.Close()
	}
}

func TestClosedFile(t *testing.T) {
	s, err := open(file(t, "a\n1\n"), CSV, -1, MaxRow)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Row(0, nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestAllocations holds the reading of rows to what it promises: nothing for a
// file in memory, the row's text for one on the disk.
func TestAllocations(t *testing.T) {
	const count = 1000
	for format, content := range map[string]string{
		CSV:  "a,b\n" + strings.Repeat("one,\"t,wo\"\n", count),
		JSON: strings.Repeat(`{"a":"one","b":2}`, count),
	} {
		ways(t, format, content, func(s *Set) {
			row, n, want := make([]string, 0, 2), int64(0), 0.0
			if _, large := s.bytes.(*disk); large {
				want = 1
			}
			got := testing.AllocsPerRun(count, func() {
				row, _ = s.Row(n%count, row[:0])
				n++
			})
			if got > want+0.5 { // a collection may empty the pool of buffers
				t.Errorf("%s: %v allocations for a row, want %v", format, got, want)
			}
		})
	}
}
