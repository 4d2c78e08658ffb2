// Package data gives the rows of data sets: CSV and JSON files of any size. A
// file is read once from end to end, which checks it and finds where its rows
// begin; after that any row can be had at once, from memory when the file is
// small and from the disk when it is not.
package data

// Rows is a table of text. All methods are safe for concurrent use.
type Rows interface {
	// Columns are the names of the columns, in the order that Row appends.
	Columns() []string
	// Len is the number of rows.
	Len() int64
	// Row appends the fields of row n, 0 ≤ n < Len, to dst and gives the longer
	// slice. It always appends as many fields as there are columns. The error
	// is that of reading a file which changed or vanished since it was opened.
	Row(n int64, dst []string) ([]string, error)
}
