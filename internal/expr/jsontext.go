package expr

import (
	"unicode/utf16"
	"unicode/utf8"
)

// A JSONKind is the kind of a JSON value.
type JSONKind uint8

const (
	// JSONNothing is the zero kind: nothing was found, or null.
	JSONNothing JSONKind = iota
	// JSONMalformed says that the body is no JSON as far as it was read, or is
	// nested more than 512 deep.
	JSONMalformed
	// JSONBool is true or false.
	JSONBool
	// JSONNumber is a number; its text is as it was sent.
	JSONNumber
	// JSONString is a string.
	JSONString
	// JSONObject is an object.
	JSONObject
	// JSONArray is an array.
	JSONArray
)

// kindOf gives the kind of the value that begins with b.
func kindOf(b byte) JSONKind {
	switch b {
	case 't', 'f':
		return JSONBool
	case '"':
		return JSONString
	case '{':
		return JSONObject
	case '[':
		return JSONArray
	case 'n':
		return JSONNothing
	}
	return JSONNumber
}

// AppendJSONText appends the text of a value that [JSONPath.Find] gave: what a
// string stands for, anything else as it was sent. Half of a surrogate pair
// becomes U+FFFD.
func AppendJSONText(dst, raw []byte, kind JSONKind) []byte {
	if kind != JSONString {
		return append(dst, raw...)
	}
	raw = raw[1 : len(raw)-1]
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			i++
			continue
		}
		var size int
		dst, size = unescape(dst, raw[i:], '"')
		i += max(size, 1)
	}
	return dst
}

// unescape appends what the escape at the beginning of text stands for and
// gives its length; 0 if it is none. Of the quotes only mark may be escaped.
func unescape[T string | []byte](dst []byte, text T, mark byte) (out []byte, size int) {
	if len(text) < 2 {
		return dst, 0
	}
	switch b := text[1]; b {
	case mark, '\\', '/':
		return append(dst, b), 2
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'u':
		r, size := unescapeRune(text)
		if size == 0 {
			return dst, 0
		}
		return utf8.AppendRune(dst, r), size
	}
	return dst, 0
}

// unescapeRune reads \uXXXX, or two of them that make a surrogate pair.
func unescapeRune[T string | []byte](text T) (r rune, size int) {
	const one, pair = 6, 12
	r, ok := hex4(text[2:])
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, one
	}
	if len(text) >= pair && text[one] == '\\' && text[one+1] == 'u' {
		if low, ok := hex4(text[one+2:]); ok {
			if r := utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, pair
			}
		}
	}
	return utf8.RuneError, one
}

// sameName compares a member's name as it stands in the body with the name
// wanted, without making its text.
func sameName(raw []byte, escaped bool, wanted string) bool {
	if !escaped {
		return string(raw) == wanted
	}
	var room [16]byte
	for len(raw) > 0 {
		piece, size := append(room[:0], raw[0]), 1
		if raw[0] == '\\' {
			piece, size = unescape(room[:0], raw, '"')
		}
		if len(wanted) < len(piece) || wanted[:len(piece)] != string(piece) {
			return false
		}
		raw, wanted = raw[size:], wanted[len(piece):]
	}
	return wanted == ""
}
