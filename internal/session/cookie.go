package session

import (
	"bytes"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// jar holds cookies (RFC 6265) in the order in which they are sent: those with
// longer paths first, then by age. Its rooms are used again.
type jar struct{ cookies []cookie }

// cookie is a cookie. Its text is name, value, domain and path one after the
// other; the fields say where each ends.
type cookie struct {
	text                []byte
	name, value, domain int
	expires             Time // in job time
	hostOnly, secure    bool
}

// The bounds of a jar. A longer cookie is ignored; of more cookies the one that
// would be sent last goes.
const (
	mostCookies = 180
	mostCookie  = 4096
)

// never is when a cookie without expiry expires.
const never Time = math.MaxInt64

func (c *cookie) nameText() []byte   { return c.text[:c.name] }
func (c *cookie) valueText() []byte  { return c.text[c.name:c.value] }
func (c *cookie) domainText() []byte { return c.text[c.value:c.domain] }
func (c *cookie) pathText() []byte   { return c.text[c.domain:] }

// empty forgets all cookies.
func (j *jar) empty() { j.cookies = j.cookies[:0] }

// visit is what a cookie's rules look at: a request.
type visit struct {
	host   string
	path   []byte // without the query
	secure bool
	now    Time
}

// fits reports whether the cookie goes with the request (RFC 6265, 5.4).
func (c *cookie) fits(v *visit) bool {
	if c.expires <= v.now || c.secure && !v.secure || !pathMatches(v.path, c.pathText()) {
		return false
	}
	if c.hostOnly {
		return string(c.domainText()) == v.host
	}
	return domainMatches(v.host, string(c.domainText()))
}

// append appends the cookies that go with the request, after what dst[n:] holds
// of its Cookie header, leaving out those named in except.
func (j *jar) append(dst []byte, n int, v *visit, except []string) []byte {
	for i := range j.cookies {
		c := &j.cookies[i]
		if !c.fits(v) || isOneOf(c.nameText(), except) {
			continue
		}
		if len(dst) > n {
			dst = append(dst, "; "...)
		}
		dst = append(append(append(dst, c.nameText()...), '='), c.valueText()...)
	}
	return dst
}

func isOneOf(name []byte, names []string) bool {
	for _, n := range names {
		if string(name) == n {
			return true
		}
	}
	return false
}

// pathMatches is RFC 6265, 5.1.4.
func pathMatches(path, cookiePath []byte) bool {
	if !bytes.HasPrefix(path, cookiePath) {
		return false
	}
	return len(path) == len(cookiePath) || cookiePath[len(cookiePath)-1] == '/' || path[len(cookiePath)] == '/'
}

// domainMatches is RFC 6265, 5.1.3.
func domainMatches(host, domain string) bool {
	n := len(host) - len(domain)
	if n < 0 || host[n:] != domain {
		return false
	}
	return n == 0 || host[n-1] == '.' && !isAddress(host)
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// set takes a cookie in, puts it in the place of the one with its name, domain
// and path, or takes that one out when it has expired (RFC 6265, 5.3).
func (j *jar) set(sc *setCookie, v *visit) {
	at, found := j.place(sc)
	switch {
	case sc.expires <= v.now:
		if found {
			j.remove(at)
		}
		return
	case !found:
		if len(j.cookies) == mostCookies {
			j.remove(mostCookies - 1)
			at = min(at, mostCookies-1)
		}
		j.insert(at)
	}
	c := &j.cookies[at]
	c.text = append(c.text[:0], sc.name...)
	c.text = append(c.text, sc.value...)
	c.text = append(c.text, sc.domain...)
	c.name, c.value, c.domain = len(sc.name), len(sc.name)+len(sc.value), len(c.text)
	c.text = append(c.text, sc.path...)
	c.expires, c.hostOnly, c.secure = sc.expires, sc.hostOnly, sc.secure
}

// place finds the cookie that sc stands for, or the place where it belongs.
func (j *jar) place(sc *setCookie) (at int, found bool) {
	at = len(j.cookies)
	for i := range j.cookies {
		c := &j.cookies[i]
		if len(c.pathText()) < len(sc.path) {
			return min(at, i), false
		}
		if bytes.Equal(c.nameText(), sc.name) && string(c.domainText()) == sc.domain && bytes.Equal(c.pathText(), sc.path) {
			return i, true
		}
	}
	return at, false
}

// insert makes room at a place.
func (j *jar) insert(at int) {
	if len(j.cookies) < cap(j.cookies) {
		j.cookies = j.cookies[:len(j.cookies)+1]
	} else {
		j.cookies = append(j.cookies, cookie{})
	}
	last := j.cookies[len(j.cookies)-1]
	copy(j.cookies[at+1:], j.cookies[at:len(j.cookies)-1])
	j.cookies[at] = last
}

// remove takes a cookie out; its room stays behind the end.
func (j *jar) remove(at int) {
	gone := j.cookies[at]
	copy(j.cookies[at:], j.cookies[at+1:])
	j.cookies[len(j.cookies)-1] = gone
	j.cookies = j.cookies[:len(j.cookies)-1]
}

// setCookie is a Set-Cookie header, read.
type setCookie struct {
	name, value, path []byte
	domain            string
	expires           Time
	hostOnly, secure  bool
}

// parseSetCookie reads the value of a Set-Cookie header (RFC 6265, 5.2 and 5.3).
// It is false for a cookie that is to be ignored. Domains without a dot are
// taken for public suffixes, which no cookie may be set for.
func parseSetCookie(line []byte, v *visit, wall func() time.Time) (c setCookie, ok bool) {
	pair, rest := cut(line, ';')
	name, value := cut(pair, '=')
	c.name, c.value = bytes.TrimSpace(name), bytes.TrimSpace(value)
	if len(name) == len(pair) || len(c.name) == 0 || len(c.name)+len(c.value) > mostCookie || hasControl(pair) {
		return c, false
	}
	c.path, c.domain, c.hostOnly, c.expires = defaultPath(v.path), v.host, true, never
	hasAge := false
	for len(rest) > 0 {
		var attribute []byte
		attribute, rest = cut(rest, ';')
		key, value := cut(attribute, '=')
		key, value = bytes.TrimSpace(key), bytes.TrimSpace(value)
		switch {
		case isName(key, "max-age"):
			hasAge = c.setAge(value, v.now) || hasAge
		case isName(key, "expires") && !hasAge:
			c.setExpires(value, v.now, wall)
		case isName(key, "domain"):
			c.setDomain(value, v.host)
		case isName(key, "path"):
			c.setPath(value, v.path)
		case isName(key, "secure"):
			c.secure = true
		}
	}
	return c, domainMatches(v.host, c.domain) && (c.hostOnly || strings.IndexByte(c.domain, '.') > 0)
}

// isName compares a name with a lower-case one.
func isName(name []byte, lower string) bool { return len(name) == len(lower) && isFold(name, lower) }

// hasControl reports whether a control character is in text, tabs left out.
func hasControl(text []byte) bool {
	for _, b := range text {
		if b < ' ' && b != '\t' || b == 0x7f {
			return true
		}
	}
	return false
}

// setAge reads Max-Age.
func (c *setCookie) setAge(value []byte, now Time) bool {
	seconds, err := strconv.ParseInt(string(value), 10, 64)
	switch {
	case err != nil:
		return false
	case seconds <= 0:
		c.expires = math.MinInt64
	case seconds > int64((never-now)/time.Second):
		c.expires = never
	default:
		c.expires = now + time.Duration(seconds)*time.Second
	}
	return true
}

// setExpires reads Expires, a date of the wall clock.
func (c *setCookie) setExpires(value []byte, now Time, wall func() time.Time) {
	date, ok := parseCookieDate(value)
	if !ok {
		return
	}
	left := date.Sub(wall())
	switch {
	case left <= 0:
		c.expires = math.MinInt64
	default:
		c.expires = later(now, left)
	}
}

// setDomain reads Domain. One that does not fit is refused later.
func (c *setCookie) setDomain(value []byte, host string) {
	value = bytes.TrimPrefix(value, []byte("."))
	if len(value) == 0 {
		return
	}
	c.domain = strings.ToLower(string(value))
	c.hostOnly = c.domain == host && (isAddress(host) || strings.IndexByte(host, '.') < 0)
}

// setPath reads Path.
func (c *setCookie) setPath(value, requestPath []byte) {
	c.path = value
	if len(value) == 0 || value[0] != '/' {
		c.path = defaultPath(requestPath)
	}
}

// defaultPath is RFC 6265, 5.1.4, for a path that begins with a slash.
func defaultPath(path []byte) []byte {
	return path[:max(bytes.LastIndexByte(path, '/'), 1)]
}
