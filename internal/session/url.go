package session

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// location is an absolute URL in parts, as slices of its text.
type location struct {
	scheme string // http or https
	user   []byte // what stands before the @; nil: nothing
	host   []byte // without brackets
	port   []byte // never empty
	target []byte // path, query and fragment as written
}

// isAbsolute reports whether a URL names its scheme and host.
func isAbsolute[T string | []byte](url T) bool {
	return len(schemeOf(url)) > 0
}

// schemeOf gives http or https if the URL begins with it and "://".
func schemeOf[T string | []byte](url T) string {
	switch {
	case len(url) >= 7 && isFold(url[:7], "http://"):
		return "http"
	case len(url) >= 8 && isFold(url[:8], "https://"):
		return "https"
	}
	return ""
}

// isFold compares ASCII text with lower-case text of the same length.
func isFold[T string | []byte](text T, lower string) bool {
	for i := range len(lower) {
		if toLower(text[i]) != lower[i] {
			return false
		}
	}
	return true
}

func toLower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b | 0x20
	}
	return b
}

// authorityEnd is where the scheme and authority of an absolute URL end.
func authorityEnd[T string | []byte](url T) int {
	start := len(schemeOf(url)) + len("://")
	for i := start; i < len(url); i++ {
		if b := url[i]; b == '/' || b == '?' || b == '#' {
			return i
		}
	}
	return len(url)
}

// split takes an absolute URL apart. The host is made lower case where it
// stands. The reason is "" when the URL is good.
func split(url []byte) (at location, reason string) {
	at.scheme = schemeOf(url)
	end := authorityEnd(url)
	authority := url[len(at.scheme)+len("://") : end]
	at.target = url[end:]
	if i := bytes.LastIndexByte(authority, '@'); i >= 0 {
		at.user, authority = authority[:i], authority[i+1:]
	}
	var ok bool
	if at.host, at.port, ok = hostPort(authority); !ok {
		return at, "a host that is none"
	}
	switch {
	case len(at.port) > 0:
		if n, err := strconv.ParseUint(string(at.port), 10, 16); err != nil || n == 0 {
			return at, "a port that is none"
		}
	case at.scheme == "https":
		at.port = []byte("443")
	default:
		at.port = []byte("80")
	}
	return at, ""
}

// hostPort splits host[:port].
func hostPort(authority []byte) (host, port []byte, ok bool) {
	host = authority
	if len(host) > 0 && host[0] == '[' {
		end := bytes.IndexByte(host, ']')
		if end < 0 || end+1 < len(host) && host[end+1] != ':' {
			return nil, nil, false
		}
		if end+2 < len(host) {
			port = host[end+2:]
		}
		host = host[1:end]
		addr, err := netip.ParseAddr(string(host))
		return host, port, err == nil && addr.Is6()
	}
	if i := bytes.IndexByte(host, ':'); i >= 0 {
		host, port = host[:i], host[i+1:]
	}
	for i, b := range host {
		host[i] = toLower(b)
		if !isHostByte(host[i]) {
			return nil, nil, false
		}
	}
	return host, port, len(host) > 0
}

func isHostByte(b byte) bool {
	return 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '.' || b == '-' || b == '_'
}

// appendAuthority appends the host as a Host header names it: an IPv6 address
// in brackets, the port unless it is the scheme's own.
func appendAuthority(dst []byte, o *Origin) []byte {
	if bytes.IndexByte([]byte(o.Host), ':') >= 0 {
		dst = append(append(append(dst, '['), o.Host...), ']')
	} else {
		dst = append(dst, o.Host...)
	}
	if o.Scheme == "http" && o.Port == "80" || o.Scheme == "https" && o.Port == "443" {
		return dst
	}
	return append(append(dst, ':'), o.Port...)
}

// withoutUser leaves the user and password out of a URL that is to be shown.
func withoutUser(url string) string {
	if !isAbsolute(url) {
		return url
	}
	scheme, end := schemeOf(url)+"://", authorityEnd(url)
	authority := url[len(scheme):end]
	return scheme + authority[strings.LastIndexByte(authority, '@')+1:] + url[end:]
}

// The bytes that a URL cannot hold as they are and which browsers escape (WHATWG
// URL: the path and query percent-encode sets). Control characters are refused.
const (
	pathEscapes  = "\"<>`{}^ "
	queryEscapes = "\"<> "
)

// byteClass says what a byte is in the path (low bits) and query of a URL.
type byteClass uint8

const (
	escapedInPath byteClass = 1 << iota
	escapedInQuery
	refused
	special // ? and #
)

var byteClasses = func() (all [256]byteClass) {
	for b := range 256 {
		switch {
		case b < ' ' || b == 0x7f:
			all[b] = refused
		case b > 0x7f:
			all[b] = escapedInPath | escapedInQuery
		}
	}
	for _, b := range []byte(pathEscapes) {
		all[b] |= escapedInPath
	}
	for _, b := range []byte(queryEscapes) {
		all[b] |= escapedInQuery
	}
	all['?'], all['#'] = special, special
	return all
}()

// cleanTarget makes dst[n:], a path with its query and fragment, fit for a
// request line: it begins with a slash, has no fragment, and what cannot stand
// is escaped. It is false when a control character is in it.
func cleanTarget(dst []byte, n int) (out []byte, hasQuery, ok bool) {
	if i := bytes.IndexByte(dst[n:], '#'); i >= 0 {
		dst = dst[:n+i]
	}
	if len(dst) == n || dst[n] != '/' {
		dst = append(dst, 0)
		copy(dst[n+1:], dst[n:])
		dst[n] = '/'
	}
	escapes, mask := 0, escapedInPath
	for _, b := range dst[n:] {
		switch c := byteClasses[b]; {
		case c == refused:
			return dst[:n], false, false
		case c&mask != 0:
			escapes++
		case b == '?':
			hasQuery, mask = true, escapedInQuery
		}
	}
	if escapes > 0 {
		dst = escapeTarget(dst, n, escapes)
	}
	return dst, hasQuery, true
}

// escapeTarget escapes so many bytes of dst[n:], from its end to its beginning.
func escapeTarget(dst []byte, n, escapes int) []byte {
	const digits = "0123456789ABCDEF"
	old := len(dst)
	query := old
	if i := bytes.IndexByte(dst[n:], '?'); i >= 0 {
		query = n + i
	}
	for range escapes {
		dst = append(dst, 0, 0)
	}
	to := len(dst)
	for from := old - 1; from >= n; from-- {
		b, mask := dst[from], escapedInPath
		if from > query {
			mask = escapedInQuery
		}
		if byteClasses[b]&mask == 0 {
			to--
			dst[to] = b
			continue
		}
		to -= 3
		dst[to], dst[to+1], dst[to+2] = '%', digits[b>>4], digits[b&15]
	}
	return dst
}

// appendBelow appends the URL of a path below a base URL: the base's own path
// stays in front, with one slash between the two.
func appendBelow[T string | []byte](dst []byte, base, path T) []byte {
	if len(path) == 0 || path[0] == '?' || path[0] == '#' {
		return append(append(dst, base...), path...)
	}
	for len(base) > 0 && base[len(base)-1] == '/' {
		base = base[:len(base)-1]
	}
	dst = append(dst, base...)
	if path[0] != '/' {
		dst = append(dst, '/')
	}
	return append(dst, path...)
}

// isBase reports whether a URL can have paths below it.
func isBase[T string | []byte](url T) bool {
	if !isAbsolute(url) {
		return false
	}
	for i := range len(url) {
		if url[i] == '?' || url[i] == '#' {
			return false
		}
	}
	return true
}
