package data

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// benchFile is a file of size bytes and a little more.
func benchFile(b *testing.B, format string, size int) string {
	b.Helper()
	line, header := "%d,user-%d,user%d@example.com,\"Road %d, Town\"\n", "id,name,mail,address\n"
	if format == JSON {
		line, header = `{"id":%d,"name":"user-%d","mail":"user%d@example.com","address":"Road %d, Town"}`+"\n", ""
	}
	var text strings.Builder
	text.WriteString(header)
	for i := 0; text.Len() < size; i++ {
		fmt.Fprintf(&text, line, i, i, i, i)
	}
	return file(b, text.String())
}

func BenchmarkOpen(b *testing.B) {
	const size = 16 << 20
	for _, format := range []string{CSV, JSON} {
		path := benchFile(b, format, size)
		for name, memory := range map[string]int64{"memory": inMemory, "disk": -1} {
			b.Run(format+"/"+name, func(b *testing.B) {
				b.SetBytes(size)
				for b.Loop() {
					s, err := open(path, format, memory, MaxRow)
					if err != nil {
						b.Fatal(err)
					}
					_ = s.Close()
				}
			})
		}
	}
}

func BenchmarkRow(b *testing.B) {
	const size = 16 << 20
	for _, format := range []string{CSV, JSON} {
		path := benchFile(b, format, size)
		for name, memory := range map[string]int64{"memory": inMemory, "disk": -1} {
			s, err := open(path, format, memory, MaxRow)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			b.Run(format+"/"+name+"/sequential", func(b *testing.B) { benchRow(b, s, func(n int64) int64 { return n % s.Len() }) })
			b.Run(format+"/"+name+"/random", func(b *testing.B) { benchRow(b, s, func(int64) int64 { return rand.Int64N(s.Len()) }) })
		}
	}
}

// benchRow reads the rows that pick says.
func benchRow(b *testing.B, s *Set, pick func(n int64) int64) {
	b.ReportAllocs()
	var row []string
	for n := int64(0); b.Loop(); n++ {
		var err error
		if row, err = s.Row(pick(n), row[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
