package data

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// FileError is what makes a data file unusable: the first such thing in it.
type FileError struct {
	Path     string // as given to [Open]
	Line     int    // from 1; 0: it is the whole file
	Column   int    // from 1, in characters; 0: it is the whole row
	What     string // what was found
	Expected string // what would have been right; "" if there is no one answer
	Err      error  // the operating system's error; nil if the content is at fault
}

// Error is all of it as one line: PATH:LINE:COLUMN: what; expected ….
func (e *FileError) Error() string {
	var b strings.Builder
	b.WriteString(e.Path)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Line > 0 && e.Column > 0 {
		fmt.Fprintf(&b, ":%d", e.Column)
	}
	b.WriteString(": " + e.What)
	if e.Expected != "" {
		b.WriteString("; expected " + e.Expected)
	}
	return b.String()
}

// Unwrap gives the operating system's error.
func (e *FileError) Unwrap() error { return e.Err }

// systemError is about a file that could not be opened or read.
func systemError(path string, err error) *FileError {
	if errors.Is(err, fs.ErrNotExist) {
		return &FileError{Path: path, What: "the file does not exist", Err: err}
	}
	cause := err
	var at *fs.PathError
	if errors.As(err, &at) {
		cause = at.Err // the path is told already
	}
	return &FileError{Path: path, What: "the file can't be read: " + cause.Error(), Err: err}
}

// flaw is what is wrong with a piece of the file, before its line is known.
type flaw struct {
	at       int  // byte offset in the piece
	whole    bool // it is no place in the piece but all of it
	what     string
	expected string
}

// show quotes a piece of the file for a message; long ones are cut.
func show[T text](s T) string {
	const most = 60
	if len(s) > most {
		return fmt.Sprintf("%q…", strings.ToValidUTF8(string(s[:most]), ""))
	}
	return fmt.Sprintf("%q", string(s))
}
