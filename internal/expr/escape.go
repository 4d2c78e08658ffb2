package expr

import (
	"encoding/base64"
	"unicode/utf8"
)

// An Escape says how a value is written where it goes.
type Escape uint8

const (
	// None leaves a value as it is.
	None Escape = iota
	// Query is for names and values in a URL's query: all but letters, digits
	// and -._~ is written as %XX (RFC 3986, 2.3).
	Query
	// Form is for application/x-www-form-urlencoded: like Query, but a space is
	// written as +.
	Form
	// JSON is for the inside of a JSON string (RFC 8259, 7); the quotes are not
	// written. Bytes that are not UTF-8 become U+FFFD.
	JSON
	// Path is for one segment of a URL's path: like Query, and !$&'()*+,;=:@
	// may stand too (RFC 3986, 3.3). A slash is escaped.
	Path
)

// byteSet says for each byte whether it is in the set.
type byteSet [256]bool

// setOf gives the set of letters, digits and the bytes of more.
func setOf(more string) *byteSet {
	var set byteSet
	for b := range 256 {
		set[b] = isDigit(byte(b)) || 'a' <= b|0x20 && b|0x20 <= 'z' && b < utf8.RuneSelf
	}
	for i := range len(more) {
		set[more[i]] = true
	}
	return &set
}

var (
	unreserved = setOf("-._~")              // never escaped by any Escape
	pathSafe   = setOf("-._~!$&'()*+,;=:@") // allowed in a segment of a path
)

// upperHex are the digits of %XX.
const upperHex = "0123456789ABCDEF"

// Append appends text, escaped, to dst.
func (e Escape) Append(dst []byte, text string) []byte {
	n := len(dst)
	return e.fix(append(dst, text...), n)
}

// AppendBytes appends text, escaped, to dst, without making it a string.
func (e Escape) AppendBytes(dst, text []byte) []byte {
	n := len(dst)
	return e.fix(append(dst, text...), n)
}

// fix escapes dst[n:] where it stands. What needs no escape is not touched.
func (e Escape) fix(dst []byte, n int) []byte {
	switch e {
	case Query:
		return percent(dst, n, unreserved, false)
	case Form:
		return percent(dst, n, unreserved, true)
	case Path:
		return percent(dst, n, pathSafe, false)
	case JSON:
		return inString(dst, n)
	}
	return dst
}

// settle moves what was appended to dst after old, whose place begins at n, to
// that place. It lets values be encoded without a buffer of their own: the
// encoded form is appended behind the value and then takes its place.
func settle(dst []byte, n, old int) []byte {
	return dst[:n+copy(dst[n:], dst[old:])]
}

// percent writes the bytes of dst[n:] that are not in keep as %XX.
func percent(dst []byte, n int, keep *byteSet, plus bool) []byte {
	for n < len(dst) && keep[dst[n]] {
		n++
	}
	old := len(dst)
	for i := n; i < old; i++ {
		switch b := dst[i]; {
		case keep[b]:
			dst = append(dst, b)
		case b == ' ' && plus:
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', upperHex[b>>4], upperHex[b&15])
		}
	}
	return settle(dst, n, old)
}

// inString writes dst[n:] as the inside of a JSON string.
func inString(dst []byte, n int) []byte {
	for n < len(dst) && dst[n] >= ' ' && dst[n] < utf8.RuneSelf && dst[n] != '"' && dst[n] != '\\' {
		n++
	}
	old := len(dst)
	for i := n; i < old; {
		r, size := utf8.DecodeRune(dst[i:old])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, `\ufffd`...)
		case r < ' ' || r == '"' || r == '\\':
			dst = appendControl(dst, byte(r))
		default:
			dst = append(dst, dst[i:i+size]...)
		}
		i += size
	}
	return settle(dst, n, old)
}

// appendControl appends the escape of a byte that can't stand in a JSON string.
func appendControl(dst []byte, b byte) []byte {
	switch b {
	case '"', '\\':
		return append(dst, '\\', b)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', upperHex[b>>4], upperHex[b&15])
}

// An encoding is what a function of one argument does to it.
type encoding uint8

const (
	noEncoding     encoding = iota
	jsonEncoding            // json X: a JSON value
	base64Encoding          // base64 X: RFC 4648, 4, with padding
	queryEncoding           // urlquery X: as Query
)

// encodings gives the encoding of each function that is one.
var encodings = map[string]encoding{"json": jsonEncoding, "base64": base64Encoding, "urlquery": queryEncoding}

// fix encodes the text dst[n:] where it stands.
func (e encoding) fix(dst []byte, n int) []byte {
	switch e {
	case jsonEncoding:
		dst = append(inString(dst, n), `""`...)
		copy(dst[n+1:], dst[n:len(dst)-2])
		dst[n] = '"'
		return dst
	case base64Encoding:
		old := len(dst)
		return settle(base64.StdEncoding.AppendEncode(dst, dst[n:old]), n, old)
	case queryEncoding:
		return Query.fix(dst, n)
	}
	return dst
}
