package session

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"hyperscale"
	"hyperscale/internal/expr"
)

// messageCompiler compiles one message.
type messageCompiler struct {
	*resolver
	request *hyperscale.Request
	carrier *carrier
	message message
	head    headWriter
	user    string // user:password of the URL
}

// compileMessage compiles what a request step sends.
func compileMessage(r *resolver, request *hyperscale.Request, c *carrier) (message, error) {
	m := &messageCompiler{resolver: r, request: request, carrier: c}
	for _, do := range []func() error{m.method, m.firstLine, m.hostLines, m.headers, m.auth, m.bodyLines, m.cookies} {
		if err := do(); err != nil {
			return message{}, err
		}
	}
	m.message.head = m.head.parts
	return m.message, nil
}

// method takes the method, which has to be known before the start.
func (m *messageCompiler) method() error {
	bound, err := m.template(m.request.Method)
	if err != nil {
		return fmt.Errorf("method: %w", err)
	}
	text, ok := bound.Constant()
	if !ok || !isToken(text) {
		return fmt.Errorf("method %q: expected a name such as GET, known before the start", m.request.Method)
	}
	m.message.method = text
	m.head.text(text + " ")
	return nil
}

// firstLine compiles the URL.
func (m *messageCompiler) firstLine() error {
	m.message.badURL = m.bad("url")
	params, err := m.joined(m.request.Params, expr.Query)
	if err != nil {
		return fmt.Errorf("params: %w", err)
	}
	m.message.params = params
	if err := m.address(m.request.URL); err != nil {
		return fmt.Errorf("url %q: %w", m.request.URL, err)
	}
	m.head.text(" HTTP/1.1\r\n")
	return nil
}

// address compiles a URL: as far as it is known, to an origin and a path.
func (m *messageCompiler) address(raw string) error {
	if isAbsolute(raw) {
		if end := authorityEnd(raw); !strings.Contains(raw[:end], "{{") {
			return m.path(raw[:end], "", raw[end:])
		}
	} else if !strings.HasPrefix(raw, "{{") {
		return m.below(raw)
	}
	where, err := m.template(raw)
	if err != nil {
		return err
	}
	text, known := where.Constant()
	switch {
	case known && isAbsolute(text):
		end := authorityEnd(text)
		return m.path(text[:end], "", expr.Literal(text[end:]))
	case known:
		return m.below(expr.Literal(text))
	}
	if m.plan.Target != "" {
		if m.message.base, err = m.template(m.plan.Target); err != nil {
			return fmt.Errorf("target: %w", err)
		}
	}
	m.somewhere(where)
	return nil
}

// below compiles a path below the plan's target.
func (m *messageCompiler) below(raw string) error {
	if m.plan.Target == "" {
		return errors.New("is a path, and the plan has no target")
	}
	base, err := m.template(m.plan.Target)
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	target, known := base.Constant()
	if !known {
		where, err := m.template(raw)
		m.message.base = base
		m.somewhere(where)
		return err
	}
	if !isBase(target) {
		return fmt.Errorf("the target %q is no base URL; expected http://HOST or https://HOST, without ? and #", withoutUser(target))
	}
	end := authorityEnd(target)
	return m.path(target[:end], target[end:], raw)
}

// path compiles a path at a known authority, below a path.
func (m *messageCompiler) path(authority, base, raw string) error {
	at, reason := split([]byte(authority))
	if reason != "" {
		return fmt.Errorf("%q has %s", withoutUser(authority), reason)
	}
	if user, err := url.PathUnescape(string(at.user)); err == nil {
		m.user = user
	}
	m.message.origin = m.p.origin(&at, m.carrier.Transport)
	m.head.text(string(appendPlace(nil, m.message.origin)))
	rest, err := m.template(raw)
	if err != nil {
		return err
	}
	front := appendBelow(nil, base, raw)
	path := expr.Join(expr.Text(string(front[:len(front)-len(raw)])), rest)
	text, known := path.Constant()
	if !known {
		m.head.add(part{kind: pathPart, value: path, bad: m.message.badURL})
		return nil
	}
	target, hasQuery, ok := cleanTarget([]byte(text), 0)
	if !ok {
		return errors.New("holds a control character")
	}
	m.head.text(string(target))
	m.knownParams(hasQuery)
	return nil
}

// knownParams writes the params behind a path that is known.
func (m *messageCompiler) knownParams(hasQuery bool) {
	if m.message.params == nil {
		return
	}
	if hasQuery {
		m.head.text("&")
	} else {
		m.head.text("?")
	}
	m.value(m.message.params, m.message.badURL)
	m.message.params = nil
}

// somewhere makes the origin known only while running.
func (m *messageCompiler) somewhere(where *expr.Bound) {
	m.message.where = where
	m.head.add(part{kind: wherePart})
}

// value writes a value: as text when it is known.
func (m *messageCompiler) value(value *expr.Bound, bad Fault) {
	if text, known := value.Constant(); known {
		m.head.text(text)
		return
	}
	m.head.add(part{kind: valuePart, value: value, bad: bad})
}

// bodyLines compiles the body and writes its type and length.
func (m *messageCompiler) bodyLines() error {
	body, err := compileBody(m.resolver, &m.request.Body)
	if err != nil {
		return err
	}
	if body == nil {
		if method := m.message.method; method == "POST" || method == "PUT" || method == "PATCH" {
			m.head.text("Content-Length: 0\r\n")
		}
		return nil
	}
	if !m.has("content-type") {
		m.head.text("Content-Type: " + body.mediaType + "\r\n")
	}
	m.message.body, m.message.content = body.bound, body.content
	if m.request.Compress {
		m.compress()
	}
	m.head.text("Content-Length: ")
	if m.message.body == nil {
		m.head.text(strconv.Itoa(len(m.message.content)))
	} else {
		m.head.add(part{kind: lengthPart})
	}
	m.head.text("\r\n")
	return nil
}

// compress makes the body go out compressed.
func (m *messageCompiler) compress() {
	if !m.has("content-encoding") {
		m.head.text("Content-Encoding: gzip\r\n")
	}
	m.message.pack = m.message.body != nil
	if !m.message.pack {
		m.message.content = new(Scratch).pack(nil, m.message.content)
	}
}

// joined compiles pairs to name=value&name=value, escaped; nil without pairs.
func (r *resolver) joined(pairs []hyperscale.Pair, escape expr.Escape) (*expr.Bound, error) {
	var all []*expr.Bound
	for i, p := range pairs {
		name, err := r.template(p.Name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		value, err := r.template(p.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		if i > 0 {
			all = append(all, expr.Text("&"))
		}
		all = append(all, name.Escaped(escape), expr.Text("="), value.Escaped(escape))
	}
	if all == nil {
		return nil, nil
	}
	return expr.Join(all...), nil
}

// bad is the fault of a value that cannot stand where it should go.
func (r *resolver) bad(what string) Fault { return NewFault(BadValue, r.p.valueName(what)) }
