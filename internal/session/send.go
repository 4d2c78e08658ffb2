package session

import (
	"encoding/base64"
	"strconv"

	"hyperscale/internal/expr"
)

// flight is a request under way, with the rooms of what it sends.
type flight struct {
	id      int32
	node    int32
	visit   uint32 // of the step
	hops    int32  // redirects followed
	foreign bool   // a redirect led to another origin
	found   uint64 // captures of cookies that a redirect gave, one bit each
	sent    *Request
	made    Request
	head    []byte
	body    []byte
	own     []byte // the step's own cookies
}

// flight finds the request of an ID; nil if it is not under way.
func (s *Session) flight(id int32) *flight {
	for _, f := range s.flights {
		if f.id == id {
			return f
		}
	}
	return nil
}

// newFlight takes a flight for a step.
func (s *Session) newFlight(n int32) *flight {
	var f *flight
	if last := len(s.spare) - 1; last >= 0 {
		f, s.spare = s.spare[last], s.spare[:last]
	} else {
		f = &flight{}
	}
	f.node, f.visit, f.hops, f.foreign, f.found = n, s.visit, 0, false, 0
	return f
}

// unlist takes a flight out of those under way.
func (s *Session) unlist(f *flight) {
	for i, other := range s.flights {
		if other == f {
			s.flights = append(s.flights[:i], s.flights[i+1:]...)
			return
		}
	}
}

// land gives back a flight that is over.
func (s *Session) land(f *flight) {
	s.unlist(f)
	f.sent = nil
	if cap(f.head)+cap(f.body) > mostRoom {
		f.head, f.body, f.made = nil, nil, Request{}
	}
	s.spare = append(s.spare, f)
}

// send starts a request step.
func (t *turn) send(n int32, r *request) {
	s := t.s
	f := s.newFlight(n)
	fault := t.tryChecks(&r.verdict)
	switch {
	case fault != 0:
	case r.constant != nil && len(s.jar.cookies) == 0:
		f.sent = r.constant
	default:
		fault = t.build(f, r)
	}
	if fault != 0 {
		s.spare = append(s.spare, f)
		t.faulted(n, fault)
		return
	}
	t.launch(f, s.flow.nodes[n].due)
}

// launch sends what f holds.
func (t *turn) launch(f *flight, due Time) {
	f.id = t.s.newID()
	t.s.flights = append(t.s.flights, f)
	t.s.groupsSend(t.p.flow.nodes[f.node].group, t.now)
	e := t.emit(Send)
	e.ID, e.Step, e.At, e.Request = f.id, f.node, due, f.sent
}

// tryChecks sees that the checks have the values that they will compare with.
func (t *turn) tryChecks(v *verdict) Fault {
	if !v.dynamic {
		return 0
	}
	sc := t.s.scratch()
	for i := range v.checks {
		c := &v.checks[i]
		var err error
		switch {
		case c.want != nil:
			sc.text, err = c.want.Append(sc.text[:0], (*scope)(t.s), expr.None)
		case c.compare != nil:
			_, sc.text, err = c.compare.Holds(nil, (*scope)(t.s), sc.text[:0])
		}
		if err != nil {
			return t.p.noValue(err)
		}
	}
	return 0
}

// build writes the request of a step into f.
func (t *turn) build(f *flight, r *request) Fault {
	m := &r.message
	b := builder{turn: t, request: r, origin: m.origin}
	if fault := b.buildBody(f); fault != 0 {
		return fault
	}
	if fault := b.findOrigin(); fault != 0 {
		return fault
	}
	var fault Fault
	f.own = f.own[:0]
	if m.own != nil {
		f.own, fault = t.template(f.own, m.own)
		if fault == 0 && hasControl(f.own) {
			fault = m.badOwn
		}
		if fault != 0 {
			return fault
		}
	}
	f.head = f.head[:0]
	for i := range m.head {
		if f.head, fault = b.append(f.head, &m.head[i]); fault != 0 {
			return fault
		}
	}
	f.head = append(t.appendCookies(f.head, b.origin, f.own, m.ownNames), "\r\n"...)
	f.made = *r.outgoing(b.origin, f.head, b.content)
	f.sent = &f.made
	return 0
}

// builder writes one request.
type builder struct {
	*turn
	request *request
	origin  *Origin
	target  []byte // when the origin is known only now
	content []byte
}

// buildBody writes the body.
func (b *builder) buildBody(f *flight) Fault {
	m := &b.request.message
	b.content = m.content
	if m.body == nil {
		return 0
	}
	sc := b.s.scratch()
	var fault Fault
	if m.pack {
		if sc.text, fault = b.template(sc.text[:0], m.body); fault == 0 {
			f.body = sc.pack(f.body[:0], sc.text)
		}
	} else {
		f.body, fault = b.template(f.body[:0], m.body)
	}
	b.content = f.body
	return fault
}

// findOrigin evaluates a URL whose origin is known only now.
func (b *builder) findOrigin() Fault {
	if b.origin != nil {
		return 0
	}
	m, sc := &b.request.message, b.s.scratch()
	where, fault := b.template(sc.head[:0], m.where)
	if fault != 0 {
		return fault
	}
	sc.head = where
	if !isAbsolute(where) {
		if m.base == nil {
			return m.badURL
		}
		base, fault := b.template(sc.text[:0], m.base)
		sc.text = base
		if fault != 0 {
			return fault
		}
		if !isBase(base) {
			return m.badURL
		}
		where = appendBelow(nil, base, where)
	}
	at, reason := split(where)
	if reason != "" || len(at.user) > 0 {
		return m.badURL
	}
	b.origin, b.target = b.originOf(&at, &b.request.carrier), at.target
	return 0
}

// originOf gives the origin of a location.
func (t *turn) originOf(at *location, c *carrier) *Origin {
	sc := t.s.scratch()
	sc.key = appendKey(sc.key[:0], at, c.key)
	for _, o := range t.p.Origins {
		if o.Key == string(sc.key) {
			return o
		}
	}
	return sc.origin(at, c.Transport)
}

// append appends a part of the head.
func (b *builder) append(dst []byte, p *part) ([]byte, Fault) {
	n := len(dst)
	switch p.kind {
	case textPart:
		return append(dst, p.text...), 0
	case pathPart:
		dst, fault := b.template(dst, p.value)
		if fault != 0 {
			return dst, fault
		}
		return b.finishTarget(dst, n)
	case wherePart:
		dst = appendPlace(dst, b.origin)
		n = len(dst)
		return b.finishTarget(append(dst, b.target...), n)
	case hostPart:
		return append(appendAuthority(append(dst, "Host: "...), b.origin), "\r\n"...), 0
	case proxyPart:
		if b.origin.viaProxy() {
			dst = append(dst, p.text...)
		}
		return dst, 0
	case lengthPart:
		return strconv.AppendInt(dst, int64(len(b.content)), 10), 0
	}
	return b.appendValue(dst, p)
}

// appendValue appends the value of a header.
func (b *builder) appendValue(dst []byte, p *part) ([]byte, Fault) {
	n := len(dst)
	dst, fault := b.template(dst, p.value)
	switch {
	case fault != 0:
		return dst, fault
	case p.kind == basicPart:
		plain := append(b.s.scratch().text[:0], dst[n:]...)
		b.s.Scratch.text = plain
		return base64.StdEncoding.AppendEncode(dst[:n], plain), 0
	case hasControl(dst[n:]):
		return dst, p.bad
	}
	return dst, 0
}

// finishTarget makes dst[n:] a target, with the params behind it.
func (b *builder) finishTarget(dst []byte, n int) ([]byte, Fault) {
	m := &b.request.message
	dst, hasQuery, ok := cleanTarget(dst, n)
	if !ok {
		return dst, m.badURL
	}
	if m.params == nil {
		return dst, 0
	}
	if hasQuery {
		dst = append(dst, '&')
	} else {
		dst = append(dst, '?')
	}
	return b.template(dst, m.params)
}

// appendCookies appends the Cookie line, if there are any.
func (t *turn) appendCookies(head []byte, to *Origin, own []byte, ownNames []string) []byte {
	if len(own) == 0 && len(t.s.jar.cookies) == 0 {
		return head
	}
	const name = "Cookie: "
	start := len(head)
	head = append(append(head, name...), own...)
	n := start + len(name)
	v := t.visitOf(to, head)
	head = t.s.jar.append(head, n, &v, ownNames)
	if len(head) == n {
		return head[:start]
	}
	return append(head, "\r\n"...)
}

// visitOf is what cookies look at of a request, whose head may be unfinished.
func (t *turn) visitOf(to *Origin, head []byte) visit {
	return visit{host: to.Host, path: pathOf(targetOf(head)), secure: to.Scheme == "https", now: t.now}
}

// targetOf gives the target that a head names, without a place before it.
func targetOf(head []byte) []byte {
	_, target := cut(head, ' ')
	target, _ = cut(target, ' ')
	if isAbsolute(target) {
		target = target[authorityEnd(target):]
	}
	return target
}

// pathOf gives the path of a target.
func pathOf(target []byte) []byte {
	path, _ := cut(target, '?')
	return path
}
