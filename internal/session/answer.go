package session

import (
	"bytes"
	"strconv"

	"hyperscale"
	"hyperscale/internal/expr"
)

// answered takes the answer of a request.
func (t *turn) answered(f *flight, a *Answer) {
	r := t.p.flow.nodes[f.node].request
	t.s.visit = f.visit
	t.takeCookies(f, r, a)
	var fault Fault
	var text string
	if r.isRedirect(a) {
		var followed bool
		if fault, text, followed = t.redirect(f, r, a); followed {
			return
		}
	}
	fault, text = t.judge(f, &r.verdict, a, fault, text)
	e := t.emit(Ended)
	e.Fault, e.Text = fault, text
	if fault != 0 {
		e.Outcome = Failed
	}
	if len(r.verdict.checks) > 0 {
		e.Checks = t.s.checks
	}
	t.finish(f, e, a.End)
}

// broken takes the end of a request that was not answered.
func (t *turn) broken(f *flight, fault Fault, text string) {
	e := t.emit(Ended)
	e.Outcome, e.Fault, e.Text = Failed, fault, text
	switch fault.Code() {
	case Timeout, ConnectionTimeout:
		e.Outcome = TimedOut
	case Cut:
		e.Outcome = Cancelled
	}
	t.finish(f, e, t.now)
}

// finish ends the request of a step, as the effect e says, and goes on.
func (t *turn) finish(f *flight, e *Effect, at Time) {
	n := f.node
	node := &t.p.flow.nodes[n]
	e.ID, e.Step = f.id, n
	ok := e.Outcome == OK
	if !ok {
		e.Stop = node.atOnce()
	}
	t.s.groupsEnd(node.group, at)
	t.s.land(f)
	if ok {
		t.end(n, at)
	} else {
		t.fail(n, at)
	}
	t.goOn()
}

// takeCookies puts the answer's cookies into the jar.
func (t *turn) takeCookies(f *flight, r *request, a *Answer) {
	if !a.SetsCookie || !t.p.manySends && !r.isRedirect(a) {
		return
	}
	v := t.visitOf(f.sent.Origin, f.sent.Head)
	for lines := a.Head; len(lines) > 0; {
		var name, value []byte
		name, value, lines = nextLine(lines)
		if !isName(name, "set-cookie") {
			continue
		}
		if c, ok := parseSetCookie(value, &v, t.p.wall); ok {
			t.s.jar.set(&c, &v)
		}
	}
}

// nextLine gives the name and value of the first line of a head. A line that is
// no header has no name.
func nextLine(head []byte) (name, value, rest []byte) {
	line, rest := cut(head, '\n')
	name, value = cut(line, ':')
	if len(name) == len(line) {
		return nil, nil, rest
	}
	return name, bytes.TrimSpace(value), rest
}

// cut cuts text at the first b, which goes.
func cut(text []byte, b byte) (before, after []byte) {
	if i := bytes.IndexByte(text, b); i >= 0 {
		return text[:i], text[i+1:]
	}
	return text, nil
}

// header gives the value of the first header of this name, lower case.
func header(head []byte, lower string) (value []byte, ok bool) {
	for len(head) > 0 {
		var name []byte
		name, value, head = nextLine(head)
		if isName(name, lower) {
			return value, true
		}
	}
	return nil, false
}

// judge decides how an answer is taken. The first cause counts: what is given,
// then the body, the status, the checks, the captures. Checks are all looked at,
// captures all tried.
func (t *turn) judge(f *flight, v *verdict, a *Answer, fault Fault, text string) (Fault, string) {
	if v.onlyStatus {
		return t.judgeStatus(v, a, fault, text)
	}
	body, bodyFault, why := t.body(v, a)
	if fault == 0 {
		fault, text = bodyFault, why
	}
	if fault == 0 && !v.likes(a.Status) {
		fault = NewFault(BadStatus, a.Status)
	}
	look := look{t: t, a: a, body: body, noBody: bodyFault != 0}
	t.s.checks = t.s.checks[:0]
	for i := range v.checks {
		c := &v.checks[i]
		holds := look.holds(c)
		t.s.checks = append(t.s.checks, holds)
		if !holds && fault == 0 {
			fault, text = c.fault, look.sample(c)
		}
	}
	for i := range v.captures {
		c := &v.captures[i]
		found := look.take(c, v.once)
		if !found && f.found>>i&1 == 0 && !t.fallback(c, v.once) && fault == 0 {
			fault, text = c.fault, look.missing(c)
		}
	}
	return fault, text
}

// judgeStatus is judge for the most frequent request, which wants a status and
// nothing else.
func (t *turn) judgeStatus(v *verdict, a *Answer, fault Fault, text string) (Fault, string) {
	holds := v.wanted.Has(a.Status)
	t.s.checks = append(t.s.checks[:0], holds)
	if !holds && fault == 0 {
		fault = NewFault(BadStatus, a.Status)
	}
	return fault, text
}

// likes reports whether the status is one that the request wants.
func (v *verdict) likes(status int) bool {
	if v.wanted != nil {
		return v.wanted.Has(status)
	}
	return status < 400
}

// body gives the body as checks and captures see it.
func (t *turn) body(v *verdict, a *Answer) (body []byte, fault Fault, why string) {
	switch {
	case v.keep == 0:
		return nil, 0, ""
	case a.TooLarge:
		return nil, NewFault(BodyTooLarge, 0), ""
	case !a.HasEncoding || len(a.Body) == 0:
		return a.Body, 0, ""
	}
	encodings, _ := header(a.Head, "content-encoding")
	body, code, why := t.s.scratch().unpack(encodings, a.Body, v.keep)
	if code != NoFault {
		fault = NewFault(code, 0)
	}
	return body, fault, why
}

// look is a look at an answer.
type look struct {
	t      *turn
	a      *Answer
	body   []byte
	noBody bool // it could not be had: nothing is true of it
}

// holds reports whether a check passes.
func (l *look) holds(c *check) bool {
	switch c.kind {
	case hyperscale.CheckStatus:
		return c.status.Has(l.a.Status)
	case hyperscale.CheckTime:
		return c.inTime(l.a.End - l.a.Start)
	case hyperscale.CheckSize:
		return c.op.CompareInt(l.a.BodySize, c.number)
	case hyperscale.CheckHeader:
		return l.headerHolds(c)
	}
	return !l.noBody && l.bodyHolds(c)
}

// bodyHolds judges a check on the body.
func (l *look) bodyHolds(c *check) bool {
	switch c.kind {
	case hyperscale.CheckMatches:
		return c.pattern.Match(l.body)
	case hyperscale.CheckJSON:
		return l.jsonHolds(c)
	}
	want, ok := l.want(c)
	switch {
	case !ok:
		return false
	case c.kind == hyperscale.CheckContains:
		return bytes.Contains(l.body, want)
	case c.kind == hyperscale.CheckNotContains:
		return !bytes.Contains(l.body, want)
	}
	return bytes.Equal(l.body, want)
}

// want is the text that a check compares with.
func (l *look) want(c *check) (text []byte, ok bool) {
	if c.want == nil {
		return c.text, true
	}
	sc := l.t.s.scratch()
	var fault Fault
	sc.text, fault = l.t.template(sc.text[:0], c.want)
	return sc.text, fault == 0
}

// headerHolds judges a check on a header: one line that holds is enough.
func (l *look) headerHolds(c *check) bool {
	want, ok := l.want(c)
	for head := l.a.Head; len(head) > 0 && ok; {
		var name, value []byte
		name, value, head = nextLine(head)
		if isName(name, c.header) && (c.present || bytes.Equal(value, want)) {
			return true
		}
	}
	return false
}

// jsonHolds judges a check on a value in a JSON body. Nothing compares with what
// is not there.
func (l *look) jsonHolds(c *check) bool {
	raw, kind, ok := c.path.Find(l.body)
	if !ok {
		return false
	}
	sc := l.t.s.scratch()
	text := expr.AppendJSONText(sc.text[:0], raw, kind)
	holds, text, err := c.compare.Holds(text, (*scope)(l.t.s), text)
	sc.text = text
	return holds && err == nil
}

// take takes a captured value into its variable.
func (l *look) take(c *capture, once bool) bool {
	s := l.t.s
	switch c.Kind() {
	case expr.CaptureStatus:
		sc := s.scratch()
		sc.text = strconv.AppendInt(sc.text[:0], int64(l.a.Status), 10)
		s.assign(c.ref, sc.text, false, once)
		return true
	case expr.CaptureHeader:
		value, ok := header(l.a.Head, c.name)
		if ok {
			s.assign(c.ref, value, false, once)
		}
		return ok
	case expr.CaptureCookie:
		return l.takeCookie(c, once)
	}
	if l.noBody {
		return false
	}
	raw, kind, ok := c.Find(l.body)
	if !ok {
		return false
	}
	if kind != expr.JSONString {
		s.assign(c.ref, raw, kind != expr.JSONNothing, once)
		return true
	}
	sc := s.scratch()
	sc.text = expr.AppendJSONText(sc.text[:0], raw, kind)
	s.assign(c.ref, sc.text, false, once)
	return true
}

// takeCookie takes the value of a cookie that the answer sets; of two the last.
func (l *look) takeCookie(c *capture, once bool) (ok bool) {
	for head := l.a.Head; len(head) > 0 && l.a.SetsCookie; {
		var name, line []byte
		name, line, head = nextLine(head)
		if !isName(name, "set-cookie") {
			continue
		}
		pair, _ := cut(line, ';')
		key, value := cut(pair, '=')
		if len(key) < len(pair) && string(bytes.TrimSpace(key)) == c.name {
			l.t.s.assign(c.ref, bytes.TrimSpace(value), false, once)
			ok = true
		}
	}
	return ok
}

// fallback gives a variable whose capture found nothing its default. Without one
// it has no value, whatever it had before.
func (t *turn) fallback(c *capture, once bool) bool {
	text, ok := c.Default()
	if !ok {
		t.s.unassign(c.ref)
		return false
	}
	t.s.assign(c.ref, []byte(text), false, once)
	return true
}

// sample says in words why a check failed.
func (l *look) sample(c *check) string {
	switch c.kind {
	case hyperscale.CheckTime:
		return "took " + (l.a.End - l.a.Start).String()
	case hyperscale.CheckSize:
		return strconv.FormatInt(l.a.BodySize, 10) + " bytes"
	case hyperscale.CheckHeader:
		value, ok := header(l.a.Head, c.header)
		if !ok {
			return "no header " + c.header
		}
		return c.header + ": " + clip(value)
	case hyperscale.CheckJSON:
		raw, kind, ok := c.path.Find(l.body)
		if ok {
			return c.path.String() + " is " + clip(expr.AppendJSONText(nil, raw, kind))
		}
		return "nothing at " + c.path.String() + " in " + clip(l.body)
	}
	return "body: " + clip(l.body)
}

// missing says in words why a capture found nothing.
func (l *look) missing(c *capture) string {
	text := "nothing for " + c.String()
	if c.NeedsBody() && !l.noBody {
		text += " in " + clip(l.body)
	}
	return text
}
