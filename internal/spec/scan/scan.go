// Package scan takes apart bytes that may be anybody's. Numbers have one form
// each, so that what is read and written again is the same to the byte.
package scan

import (
	"encoding/binary"
	"fmt"
)

// Reader takes one part after the other from the front of bytes. After the first
// fault it gives nothing but zeros, so that only the end need be looked at.
type Reader struct {
	b   []byte
	err error
}

// New reads b. What it gives are parts of b itself.
func New(b []byte) Reader { return Reader{b: b} }

// Fail notes a fault, if it is the first.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("malformed: "+format, args...)
		r.b = nil
	}
}

// Err is the fault, if there was one.
func (r *Reader) Err() error { return r.err }

// Rest is what was not taken yet.
func (r *Reader) Rest() []byte { return r.b }

// End is the fault, if there was one or something is left.
func (r *Reader) End() error {
	if len(r.b) > 0 {
		r.Fail("%d bytes left over", len(r.b))
	}
	return r.err
}

// Uint takes an unsigned number (a varint), written as short as it can be.
func (r *Reader) Uint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || size > 1 && r.b[size-1] == 0 {
		r.Fail("number cut short or too long")
		return 0
	}
	r.b = r.b[size:]
	return n
}

// Bytes takes a length and so many bytes.
func (r *Reader) Bytes() []byte {
	n := r.Uint()
	if n > uint64(len(r.b)) {
		r.Fail("%d bytes, %d are left", n, len(r.b))
		return nil
	}
	return r.Take(int(n))
}

// Take takes n bytes; nil: there are not so many.
func (r *Reader) Take(n int) []byte {
	if n > len(r.b) {
		r.Fail("cut short")
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}
