package session

import (
	"strings"
	"time"
)

// cookieDate collects the parts of a date as they are met.
type cookieDate struct {
	hour, minute, second int
	day, month, year     int
	hasTime              bool
}

// parseCookieDate reads a date as user agents do (RFC 6265, 5.1.1): its parts may
// come in any order and between any delimiters.
func parseCookieDate(text []byte) (time.Time, bool) {
	d := cookieDate{day: -1, month: -1, year: -1}
	for len(text) > 0 {
		n := 0
		for n < len(text) && !isDateDelimiter(text[n]) {
			n++
		}
		if n > 0 {
			d.take(text[:n])
		}
		text = text[min(n+1, len(text)):]
	}
	return d.date()
}

func isDateDelimiter(b byte) bool {
	return b == '\t' || ' ' <= b && b <= '/' || ';' <= b && b <= '@' || '[' <= b && b <= '`' || '{' <= b && b <= '~'
}

// take reads one part: the first that it could be and that is still missing.
func (d *cookieDate) take(part []byte) {
	if !d.hasTime && d.takeTime(part) {
		return
	}
	n, digits := leadingNumber(part)
	switch {
	case d.day < 0 && (digits == 1 || digits == 2):
		d.day = n
	case d.month < 0 && monthOf(part) > 0:
		d.month = monthOf(part)
	case d.year < 0 && (digits == 2 || digits == 4):
		d.year = n
	}
}

// takeTime reads hh:mm:ss.
func (d *cookieDate) takeTime(part []byte) bool {
	var parts [3]int
	for i := range parts {
		n, digits := leadingNumber(part)
		if digits < 1 || digits > 2 {
			return false
		}
		parts[i], part = n, part[digits:]
		if i < 2 {
			if len(part) == 0 || part[0] != ':' {
				return false
			}
			part = part[1:]
		}
	}
	d.hour, d.minute, d.second, d.hasTime = parts[0], parts[1], parts[2], true
	return true
}

// leadingNumber reads the digits that part begins with, nine at most.
func leadingNumber(part []byte) (n, digits int) {
	for digits < len(part) && digits < 9 && '0' <= part[digits] && part[digits] <= '9' {
		n = n*10 + int(part[digits]-'0')
		digits++
	}
	return n, digits
}

// monthOf gives the month that part begins with, 0 for none.
func monthOf(part []byte) int {
	if len(part) < 3 {
		return 0
	}
	name := string([]byte{toLower(part[0]), toLower(part[1]), toLower(part[2])})
	i := strings.Index("jan feb mar apr may jun jul aug sep oct nov dec", name)
	if i < 0 || i%4 != 0 {
		return 0
	}
	return i/4 + 1
}

// date gives the whole, if it is one.
func (d *cookieDate) date() (time.Time, bool) {
	switch {
	case 70 <= d.year && d.year <= 99:
		d.year += 1900
	case 0 <= d.year && d.year <= 69:
		d.year += 2000
	}
	if !d.hasTime || d.month < 1 || d.year < 1601 || d.hour > 23 || d.minute > 59 || d.second > 59 {
		return time.Time{}, false
	}
	at := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.second, 0, time.UTC)
	return at, at.Day() == d.day
}
