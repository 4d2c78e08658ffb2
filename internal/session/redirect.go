package session

import (
	"bytes"

	"hyperscale/internal/expr"
)

// isRedirect reports whether the answer leads elsewhere and is to be followed.
func (r *request) isRedirect(a *Answer) bool {
	if !a.HasLocation || r.carrier.Redirects == 0 {
		return false
	}
	switch a.Status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// redirect follows an answer: the request that led to it is over, and another one
// goes out under the same step. If it cannot be followed the fault says why.
func (t *turn) redirect(f *flight, r *request, a *Answer) (fault Fault, text string, followed bool) {
	location, _ := header(a.Head, "location")
	if int(f.hops) >= r.carrier.Redirects {
		return NewFault(TooManyRedirects, 0), "location: " + clip(location), false
	}
	old := f.sent
	origin, target, ok := t.resolve(old, location, &r.carrier)
	if !ok {
		return NewFault(MalformedAnswer, 0), "location: " + clip(location), false
	}
	t.hopCookies(f, r, a)
	group := t.p.flow.nodes[f.node].group
	e := t.emit(Ended)
	e.ID, e.Step = f.id, f.node
	t.s.groupsEnd(group, a.End)
	t.s.unlist(f)
	t.hop(f, r, a.Status, origin, target)
	t.launch(f, a.End)
	return 0, "", true
}

// hopCookies takes the captures of cookies out of an answer on the way.
func (t *turn) hopCookies(f *flight, r *request, a *Answer) {
	look := look{t: t, a: a}
	for i := range r.verdict.captures {
		c := &r.verdict.captures[i]
		if c.Kind() == expr.CaptureCookie && look.takeCookie(c, r.verdict.once) {
			f.found |= 1 << i
		}
	}
}

// resolve gives the origin and target that a Location means, seen from the
// request that was answered with it (RFC 3986, 5.3). The target is in scratch.
func (t *turn) resolve(from *Request, ref []byte, c *carrier) (o *Origin, target []byte, ok bool) {
	sc := t.s.scratch()
	switch {
	case bytes.HasPrefix(ref, []byte("//")):
		ref = append([]byte(from.Origin.Scheme+":"), ref...)
	case !isAbsolute(ref) && hasScheme(ref):
		return nil, nil, false
	}
	o = from.Origin
	sc.text = sc.text[:0]
	if isAbsolute(ref) {
		at, reason := split(append([]byte(nil), ref...))
		if reason != "" {
			return nil, nil, false
		}
		if next := t.originOf(&at, c); next.Key != o.Key {
			o = next
		}
		sc.text = appendWithoutDots(sc.text, at.target)
	} else {
		sc.text = appendReference(sc.text, targetOf(from.Head), ref)
	}
	sc.text, _, ok = cleanTarget(sc.text, 0)
	return o, sc.text, ok
}

// hasScheme reports whether a reference begins with a scheme (RFC 3986, 3.1).
func hasScheme(ref []byte) bool {
	for i, b := range ref {
		isLetter := 'a' <= toLower(b) && toLower(b) <= 'z'
		switch {
		case b == ':':
			return i > 0
		case isLetter, i > 0 && ('0' <= b && b <= '9' || b == '+' || b == '-' || b == '.'):
		default:
			return false
		}
	}
	return false
}

// appendReference appends the target that a reference without authority means,
// seen from a base target (RFC 3986, 5.2.2).
func appendReference(dst, base, ref []byte) []byte {
	switch {
	case len(ref) == 0 || ref[0] == '#':
		return append(dst, base...)
	case ref[0] == '?':
		return append(append(dst, pathOf(base)...), ref...)
	case ref[0] == '/':
		return appendWithoutDots(dst, ref)
	}
	path := pathOf(base)
	whole := append([]byte(nil), path[:bytes.LastIndexByte(path, '/')+1]...)
	return appendWithoutDots(dst, append(whole, ref...))
}

// appendWithoutDots appends a target whose path has its . and .. segments
// resolved (RFC 3986, 5.2.4).
func appendWithoutDots(dst, target []byte) []byte {
	n := len(dst)
	end := bytes.IndexAny(target, "?#")
	if end < 0 {
		end = len(target)
	}
	path := target[:end]
	for len(path) > 0 {
		path = bytes.TrimPrefix(path, []byte("/"))
		segment, _, more := bytes.Cut(path, []byte("/"))
		path = path[len(segment):]
		switch {
		case string(segment) == "." && !more:
			dst = append(dst, '/')
		case string(segment) == ".":
		case string(segment) == "..":
			dst = dst[:n+max(bytes.LastIndexByte(dst[n:], '/'), 0)]
			if !more {
				dst = append(dst, '/')
			}
		default:
			dst = append(append(dst, '/'), segment...)
		}
	}
	return append(dst, target[end:]...)
}

// hop writes the request that follows a redirect into f, from the one before.
// To another origin it takes no credentials along, nor back again.
func (t *turn) hop(f *flight, r *request, status int, origin *Origin, target []byte) {
	old := f.sent
	method, _ := cut(old.Head, ' ')
	body := old.Body
	toGet := status <= 303 && string(method) != "HEAD"
	if status <= 303 {
		body = nil
	}
	f.foreign = f.foreign || origin.Key != old.Origin.Key
	keep := hopLines{body: status > 303, credentials: !f.foreign, host: !f.foreign && r.message.ownHost}
	sc := t.s.scratch()
	head := sc.head[:0]
	if toGet {
		head = append(head, "GET "...)
	} else {
		head = append(append(head, method...), ' ')
	}
	head = append(append(appendPlace(head, origin), target...), " HTTP/1.1\r\n"...)
	if !keep.host {
		head = append(appendAuthority(append(head, "Host: "...), origin), "\r\n"...)
	}
	if origin.viaProxy() {
		head = append(head, r.carrier.proxyHeader...)
	}
	head = keep.append(head, old.Head)
	own := t.ownCookies(f, r)
	head = append(t.appendCookies(head, origin, own, r.message.ownNames), "\r\n"...)
	sc.head = head
	f.head = append(f.head[:0], head...)
	f.made = *r.outgoing(origin, f.head, body)
	f.sent, f.hops = &f.made, f.hops+1
}

// ownCookies gives the step's own cookies for a request after a redirect.
func (t *turn) ownCookies(f *flight, r *request) []byte {
	switch {
	case f.foreign || r.message.own == nil:
		return nil
	case f.hops == 0 && r.constant != nil && f.sent == r.constant:
		known, _ := r.message.own.Constant()
		f.own = append(f.own[:0], known...)
	}
	return f.own
}

// hopLines says which header lines go along when a redirect is followed.
type hopLines struct{ body, credentials, host bool }

// append appends the header lines of a head that go along.
func (h hopLines) append(dst, head []byte) []byte {
	_, lines := cut(head, '\n')
	for len(lines) > 0 {
		name, _, rest := nextLine(lines)
		line := lines[:len(lines)-len(rest)]
		lines = rest
		if h.keeps(name) {
			dst = append(dst, line...)
		}
	}
	return dst
}

// keeps reports whether the line of this name goes along.
func (h hopLines) keeps(name []byte) bool {
	switch {
	case len(name) == 0, isName(name, "cookie"), isName(name, "proxy-authorization"):
		return false
	case isName(name, "host"):
		return h.host
	case isName(name, "authorization"):
		return h.credentials
	case isName(name, "content-length"), isName(name, "content-type"), isName(name, "content-encoding"),
		isName(name, "content-language"), isName(name, "content-location"):
		return h.body
	}
	return true
}
