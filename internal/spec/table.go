package spec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"sort"

	"hyperscale"
	"hyperscale/internal/session"
)

// Table is the rows of a data set in memory: all of them, or those that a share
// can take. It never changes and may be used by many at once.
type Table struct {
	columns int
	total   int64
	numbers []int64  // of the rows that are here, rising; nil: all
	text    string   // the rows as they travel
	starts  []uint32 // of each row in text; one more for the end
}

var _ session.Rows = (*Table)(nil)

// Len is the number of rows of the whole data set.
func (t *Table) Len() int64 { return t.total }

// Held is the number of rows that are here.
func (t *Table) Held() int64 { return int64(len(t.starts) - 1) }

// Row appends the values of row n to dst. A row that is not here is an error.
func (t *Table) Row(n int64, dst []string) ([]string, error) {
	raw, ok := t.raw(n)
	if !ok {
		return dst, fmt.Errorf("row %d of %d was not given to this share", n, t.total)
	}
	for range t.columns {
		length, size := uvarint(raw)
		dst = append(dst, raw[size:size+int(length)])
		raw = raw[size+int(length):]
	}
	return dst, nil
}

// raw is row n as it travels.
func (t *Table) raw(n int64) (string, bool) {
	if t.numbers != nil {
		i := sort.Search(len(t.numbers), func(i int) bool { return t.numbers[i] >= n })
		if i == len(t.numbers) || t.numbers[i] != n {
			return "", false
		}
		n = int64(i)
	}
	if n < 0 || n >= t.Held() {
		return "", false
	}
	return t.text[t.starts[n]:t.starts[n+1]], true
}

// uvarint is binary.Uvarint of a text that was checked.
func uvarint(s string) (n uint64, size int) {
	for shift := 0; ; shift += 7 {
		c := s[size]
		size++
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n, size
		}
	}
}

// errEnough ends appending rows beyond what can be sent.
var errEnough = errors.New("it is too large already")

// everyRow chooses all rows of a data set.
var everyRow iter.Seq[int64]

// appendTable appends rows of a data set: those chosen, or every one. It stops
// with errEnough once b is larger than can be sent.
//
//	0, number of rows             all rows follow
//	1, number of rows, numbers    those with these numbers follow, each number as what it lies above the one before
//	row: for each column its length and text
func appendTable(b []byte, d *hyperscale.DataSet, rows session.Rows, chosen iter.Seq[int64]) ([]byte, error) {
	if rows == nil {
		return b, fmt.Errorf("data set %s: its rows are not here", d.Name)
	}
	if rows.Len() != d.Rows {
		return b, fmt.Errorf("data set %s has %d rows; the plan was checked with %d", d.Name, rows.Len(), d.Rows)
	}
	if chosen == nil {
		b = append(b, 0)
		b = binary.AppendUvarint(b, uint64(d.Rows))
		chosen = upTo(d.Rows)
	} else {
		b = appendNumbers(append(b, 1), chosen)
	}
	var scratch []string
	for n := range chosen {
		var err error
		if b, scratch, err = appendRow(b, d, rows, n, scratch); err != nil {
			return b, err
		}
		if len(b) > MaxBytes {
			return b, errEnough
		}
	}
	return b, nil
}

// upTo gives 0 … n-1.
func upTo(n int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for i := int64(0); i < n && yield(i); i++ {
		}
	}
}

// appendNumbers appends how many numbers there are and the numbers.
func appendNumbers(b []byte, numbers iter.Seq[int64]) []byte {
	count := uint64(0)
	for range numbers {
		count++
	}
	b = binary.AppendUvarint(b, count)
	before := int64(-1)
	for n := range numbers {
		b = binary.AppendUvarint(b, uint64(n-before-1))
		before = n
	}
	return b
}

// appendRow appends row n. A table's is copied as it is.
func appendRow(b []byte, d *hyperscale.DataSet, rows session.Rows, n int64, scratch []string) ([]byte, []string, error) {
	if t, ok := rows.(*Table); ok {
		if raw, here := t.raw(n); here {
			return append(b, raw...), scratch, nil
		}
	}
	row, err := rows.Row(n, scratch[:0])
	if err == nil && len(row) != len(d.Columns) {
		err = fmt.Errorf("it has %d values for %d columns", len(row), len(d.Columns))
	}
	if err != nil {
		return b, row, fmt.Errorf("data set %s: row %d: %w", d.Name, n+1, err)
	}
	for _, value := range row {
		b = binary.AppendUvarint(b, uint64(len(value)))
		b = append(b, value...)
	}
	return b, row, nil
}

// tables takes the rows of all data sets of a plan.
func (c *cursor) tables(plan *hyperscale.Plan) Rows {
	rows := make(Rows, len(plan.Data))
	for i := range plan.Data {
		rows[plan.Data[i].Name] = c.table(&plan.Data[i])
	}
	return rows
}

// table takes the rows of one data set.
func (c *cursor) table(d *hyperscale.DataSet) *Table {
	t := &Table{columns: len(d.Columns), total: d.Rows}
	kind, held := c.Uint(), c.Uint()
	// A row has at least one byte for each of its columns, of which there is one.
	if kind > 1 || held > uint64(len(c.Rest())) || held > uint64(d.Rows) || kind == 0 && held != uint64(d.Rows) {
		c.Fail("data set %s: %d of %d rows", d.Name, held, d.Rows)
		return t
	}
	if kind == 1 {
		t.numbers = c.numbers(int(held), d.Rows)
	}
	all := c.Rest()
	t.starts = make([]uint32, 1, held+1)
	for range held {
		for range t.columns {
			c.Bytes()
		}
		t.starts = append(t.starts, uint32(len(all)-len(c.Rest())))
		if c.Err() != nil {
			return t
		}
	}
	t.text = string(all[:len(all)-len(c.Rest())])
	return t
}

// numbers takes rising numbers below total.
func (c *cursor) numbers(count int, total int64) []int64 {
	list := make([]int64, 0, count)
	before := int64(-1)
	for range count {
		ahead := c.Uint()
		if c.Err() == nil && ahead >= uint64(total-before-1) {
			c.Fail("row %d of %d", uint64(before)+1+ahead, total)
		}
		if c.Err() != nil {
			return list
		}
		before += 1 + int64(ahead)
		list = append(list, before)
	}
	return list
}
