package hyperscale

import "strconv"

// Integer is what can be counted.
type Integer interface{ ~int | ~int64 | ~uint64 }

// Count gives n with its thousands apart, as people read it: "1,234,567".
func Count[N Integer](n N) string {
	var b [32]byte
	digits := strconv.AppendUint(b[:0], uint64(n), 10)
	if n < 0 {
		digits = strconv.AppendUint(append(b[:0], '-'), -uint64(n), 10)
	}
	text := string(digits)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Plural gives a count with its noun, which gets an s but after 1: "1 slot",
// "2,000 slots".
func Plural[N Integer](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}
