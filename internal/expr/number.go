package expr

import "cmp"

// decimal is a number as it is written, taken apart so that two of them can be
// compared exactly, whatever their length.
type decimal struct {
	sign   int    // -1, 0, 1
	digits []byte // from the first digit that is not 0; may hold the point
	scale  int64  // the number is 0.DIGITS × 10^scale
}

// parseDecimal takes text apart; ok is false when it is no number.
func parseDecimal(text []byte) (d decimal, ok bool) {
	n := numberLen(text)
	if n == 0 || n != len(text) {
		return decimal{}, false
	}
	d.sign = 1
	if text[0] == '-' {
		d.sign, text = -1, text[1:]
	}
	mantissa, exponent := splitExponent(text)
	d.scale = exponent + int64(digits(mantissa, 0))
	for len(mantissa) > 0 && (mantissa[0] == '0' || mantissa[0] == '.') {
		if mantissa[0] == '0' {
			d.scale--
		}
		mantissa = mantissa[1:]
	}
	if len(mantissa) == 0 {
		return decimal{}, true
	}
	d.digits = mantissa
	return d, true
}

// splitExponent cuts a number at its exponent. One beyond ±10¹⁸ counts as that.
func splitExponent(text []byte) (mantissa []byte, exponent int64) {
	const most = 1e18
	for i, b := range text {
		if b|0x20 != 'e' {
			continue
		}
		tail := text[i+1:]
		if tail[0] == '+' {
			tail = tail[1:]
		}
		n, ok := whole(tail)
		switch {
		case !ok && tail[0] == '-':
			n = -most
		case !ok:
			n = most
		}
		return text[:i], min(max(n, -most), most)
	}
	return text, 0
}

// compare orders two numbers: -1, 0 or 1.
func (d decimal) compare(e decimal) int {
	if d.sign != e.sign || d.sign == 0 {
		return cmp.Compare(d.sign, e.sign)
	}
	if d.scale != e.scale {
		return d.sign * cmp.Compare(d.scale, e.scale)
	}
	for len(d.digits) > 0 || len(e.digits) > 0 {
		var a, b byte
		a, d.digits = nextDigit(d.digits)
		b, e.digits = nextDigit(e.digits)
		if a != b {
			return d.sign * cmp.Compare(a, b)
		}
	}
	return 0
}

// nextDigit cuts the first digit, past the point; behind the last come zeros.
func nextDigit(text []byte) (digit byte, rest []byte) {
	if len(text) > 0 && text[0] == '.' {
		text = text[1:]
	}
	if len(text) == 0 {
		return '0', nil
	}
	return text[0], text[1:]
}
