package expr

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"math/rand/v2"
	"time"
)

// maxRandStr is the longest text that randstr makes, in bytes: as much as a
// body that is kept by default.
const maxRandStr = 1 << 20

// rfc3339Milli is RFC 3339 to the millisecond, as exact as now is.
const rfc3339Milli = "2006-01-02T15:04:05.000Z07:00"

// between maps a draw to a whole number in [low, high]; low must not be above
// high. It takes the high word of draw × span (Lemire, "Fast Random Integer
// Generation in an Interval", 2019, without its rejection step, because a site
// has one draw): two numbers' chances differ by at most span ÷ 2⁶⁴ of either,
// which is below one in four thousand million for every span up to 2³².
func between(draw uint64, low, high int64) int64 {
	span := uint64(high) - uint64(low) + 1
	if span == 0 { // 2⁶⁴: all of int64
		return int64(uint64(low) + draw)
	}
	offset, _ := bits.Mul64(draw, span)
	return int64(uint64(low) + offset)
}

// appendUUID appends a version 4 UUID (RFC 9562, 5.4) made of two draws.
func appendUUID(dst []byte, high, low uint64) []byte {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], low)
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	dst = append(hex.AppendEncode(dst, id[0:4]), '-')
	dst = append(hex.AppendEncode(dst, id[4:6]), '-')
	dst = append(hex.AppendEncode(dst, id[6:8]), '-')
	dst = append(hex.AppendEncode(dst, id[8:10]), '-')
	return hex.AppendEncode(dst, id[10:])
}

// appendRandStr appends n characters of a–z0–9. Two draws seed a PCG stream, so
// that long texts need no more draws than short ones. Eight characters are cut
// from each 64 bits by repeated multiplication, which favours none by more than
// 36⁸ ÷ 2⁶⁴.
func appendRandStr(dst []byte, high, low uint64, n int) []byte {
	const letters, perWord = "abcdefghijklmnopqrstuvwxyz0123456789", 8
	var stream rand.PCG
	stream.Seed(high, low)
	for n > 0 {
		word := stream.Uint64()
		for range min(n, perWord) {
			var letter uint64
			letter, word = bits.Mul64(word, uint64(len(letters)))
			dst = append(dst, letters[letter])
		}
		n -= perWord
	}
	return dst
}

// appendRFC3339 appends the time in UTC.
func appendRFC3339(dst []byte, now time.Time) []byte {
	return now.UTC().AppendFormat(dst, rfc3339Milli)
}

// whole reads a whole number in decimal; ok is false for anything else and for
// what does not fit an int64.
func whole[T string | []byte](text T) (n int64, ok bool) {
	const limit = 1 << 63 // of the magnitude
	i, negative := 0, false
	if len(text) > 0 && text[0] == '-' {
		i, negative = 1, true
	}
	if i == len(text) || digits(text, i) != len(text) {
		return 0, false
	}
	var u uint64
	for ; i < len(text); i++ {
		if u > limit/10 {
			return 0, false
		}
		u = u*10 + uint64(text[i]-'0')
	}
	if negative {
		return -int64(u), u <= limit
	}
	return int64(u), u < limit
}
