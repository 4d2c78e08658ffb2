package expr

// A StatusSet is a set of HTTP status codes, 100 to 999. The zero value is
// empty.
type StatusSet struct {
	bits [1000/64 + 1]uint64
}

// ParseStatus reads one item of a status check: a code (200), a class (2xx) or
// a range (200..299). The error is a [SyntaxError].
func ParseStatus(text string) (StatusSet, error) {
	c := cursor{text: text}
	c.blanks()
	start := c.pos
	low, high, ok := c.statusRange()
	switch {
	case !ok || c.trailing():
		c.pos = start
		return StatusSet{}, c.fault(start, c.token()+" is no status", "a code from 100 to 999, 2xx or 200..299")
	case low > high:
		return StatusSet{}, c.fault(start, "the range ends before it begins", "LOWEST..HIGHEST")
	}
	var set StatusSet
	for code := low; code <= high; code++ {
		set.bits[code/64] |= 1 << (code % 64)
	}
	return set, nil
}

// statusRange reads an item as a range.
func (c *cursor) statusRange() (low, high int, ok bool) {
	if rest := c.rest(); len(rest) >= 3 && '1' <= rest[0] && rest[0] <= '9' && rest[1:3] == "xx" {
		c.pos += 3
		low = int(rest[0]-'0') * 100
		return low, low + 99, true
	}
	low, ok = c.code()
	if !ok || !c.take("..") {
		return low, low, ok
	}
	high, ok = c.code()
	return low, high, ok
}

// code reads three digits from 100 to 999.
func (c *cursor) code() (code int, ok bool) {
	end := digits(c.text, c.pos)
	n, isWhole := whole(c.text[c.pos:end])
	c.pos = end
	return int(n), isWhole && 100 <= n && n <= 999
}

// Or gives the codes that are in s or in t.
func (s StatusSet) Or(t StatusSet) StatusSet {
	for i := range s.bits {
		s.bits[i] |= t.bits[i]
	}
	return s
}

// Has reports whether code is in the set.
func (s *StatusSet) Has(code int) bool {
	return code >= 0 && code/64 < len(s.bits) && s.bits[code/64]>>(code%64)&1 == 1
}
