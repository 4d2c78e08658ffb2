package stats

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// errFormat is the reason given for bytes that no encoder of ours wrote.
var errFormat = errors.New("malformed")

// reader takes values from bytes that may come from anywhere. After the first
// fault every value is zero and err says what it was.
type reader struct {
	b       []byte
	at      int // how many were taken
	err     error
	octaves int // how many octaves of histograms may still be made
}

// fail notes a fault, if it is the first.
func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{errFormat}, args...)...)
		r.at = len(r.b)
	}
}

// left is how many bytes were not taken yet.
func (r *reader) left() int { return len(r.b) - r.at }

// uint takes an unsigned number.
func (r *reader) uint() uint64 {
	if r.at < len(r.b) && r.b[r.at] < 0x80 { // most are of one byte
		r.at++
		return uint64(r.b[r.at-1])
	}
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 {
		r.fail("number cut short or too long")
		return 0
	}
	r.at += n
	return v
}

// int takes a signed number.
func (r *reader) int() int64 {
	v, n := binary.Varint(r.b[r.at:])
	if n <= 0 {
		r.fail("number cut short or too long")
		return 0
	}
	r.at += n
	return v
}

// duration takes a duration that is not negative.
func (r *reader) duration() time.Duration {
	v := r.int()
	if v < 0 {
		r.fail("negative time")
		return 0
	}
	return time.Duration(v)
}

// length takes the length of a list: at most limit, and no more than its
// elements of at least one byte have room for.
func (r *reader) length(limit int) int {
	v := r.uint()
	if v > uint64(limit) || v > uint64(r.left()) {
		r.fail("list of %d, at most %d", v, min(limit, r.left()))
		return 0
	}
	return int(v)
}

// text takes a string.
func (r *reader) text() string {
	n := r.length(maxText)
	s := string(r.b[r.at : r.at+n])
	r.at += n
	return s
}

// name takes a string that is probably the same as the one given, which then is
// kept.
func (r *reader) name(known string) string {
	n := r.length(maxText)
	b := r.b[r.at : r.at+n]
	r.at += n
	if string(b) == known {
		return known
	}
	return string(b)
}

// bool takes a truth value.
func (r *reader) bool() bool {
	v := r.uint()
	if v > 1 {
		r.fail("truth value %d", v)
	}
	return v == 1
}

// maxText bounds a string.
const maxText = 1 << 16

// appendText puts a string.
func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendBool puts a truth value.
func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// appendUints puts unsigned numbers.
func appendUints(b []byte, vs ...uint64) []byte {
	for _, v := range vs {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

// appendInts puts signed numbers.
func appendInts[T ~int64](b []byte, vs ...T) []byte {
	for _, v := range vs {
		b = binary.AppendVarint(b, int64(v))
	}
	return b
}

// uints takes unsigned numbers into their places.
func (r *reader) uints(to ...*uint64) {
	for _, p := range to {
		*p = r.uint()
	}
}
