package session

import (
	"encoding/base64"
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
		return fmt.Errorf("the target %q is no base URL; expected http://HOST or https://HOST, without ? and #", target)
	}
	end := authorityEnd(target)
	return m.path(target[:end], target[end:], raw)
}

// path compiles a path at a known authority, below a path.
func (m *messageCompiler) path(authority, base, raw string) error {
	at, reason := split([]byte(authority))
	if reason != "" {
		return fmt.Errorf("%q has %s", authority, reason)
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

// hostLines writes the lines that go first: Host, the proxy's and User-Agent.
func (m *messageCompiler) hostLines() error {
	origin := m.message.origin
	m.message.ownHost = m.has("host")
	switch {
	case m.message.ownHost:
	case origin == nil:
		m.head.add(part{kind: hostPart})
	default:
		m.head.text("Host: " + string(appendAuthority(nil, origin)) + "\r\n")
	}
	switch {
	case m.carrier.proxyHeader == "":
	case origin == nil:
		m.head.add(part{kind: proxyPart, text: []byte(m.carrier.proxyHeader)})
	case origin.viaProxy():
		m.head.text(m.carrier.proxyHeader)
	}
	if !m.has("user-agent") {
		m.head.text("User-Agent: " + m.in.UserAgent + "\r\n")
	}
	return nil
}

// has reports whether the step has a header of its own with this name.
func (m *messageCompiler) has(lower string) bool {
	for _, h := range m.request.Headers {
		if isName([]byte(h.Name), lower) {
			return true
		}
	}
	return false
}

// headers writes the step's own headers, cookies left out.
func (m *messageCompiler) headers() error {
	for _, h := range m.request.Headers {
		name := strings.ToLower(h.Name)
		switch {
		case !isToken(h.Name):
			return fmt.Errorf("header %q: expected a name of letters, digits and -", h.Name)
		case name == "cookie":
			continue
		case name == "content-length" || name == "transfer-encoding":
			return fmt.Errorf("header %s: is written by the length of the body; leave it out", h.Name)
		}
		value, err := m.headerValue("header "+h.Name, h.Value)
		if err != nil {
			return err
		}
		m.head.text(h.Name + ": ")
		m.value(value, m.bad("header "+h.Name))
		m.head.text("\r\n")
	}
	return nil
}

// headerValue compiles a value and refuses one that cannot stand in a header.
func (m *messageCompiler) headerValue(what, text string) (*expr.Bound, error) {
	value, err := m.template(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if known, ok := value.Constant(); ok && hasControl([]byte(known)) {
		return nil, fmt.Errorf("%s: holds a line break or another control character", what)
	}
	return value, nil
}

// auth writes Authorization, unless the step's own headers do.
func (m *messageCompiler) auth() error {
	if m.has("authorization") {
		return nil
	}
	bad := m.bad("auth")
	switch {
	case m.request.BasicAuth != nil:
		user, err := m.template(m.request.BasicAuth.Name)
		if err != nil {
			return fmt.Errorf("auth: user: %w", err)
		}
		password, err := m.template(m.request.BasicAuth.Value)
		if err != nil {
			return fmt.Errorf("auth: password: %w", err)
		}
		m.basic(expr.Join(user, expr.Text(":"), password), bad)
	case m.request.BearerAuth != "":
		token, err := m.headerValue("auth", m.request.BearerAuth)
		if err != nil {
			return err
		}
		m.head.text("Authorization: Bearer ")
		m.value(token, bad)
		m.head.text("\r\n")
	case m.user != "":
		m.basic(expr.Text(m.user), bad)
	}
	return nil
}

// basic writes basic credentials.
func (m *messageCompiler) basic(both *expr.Bound, bad Fault) {
	m.head.text("Authorization: Basic ")
	if text, known := both.Constant(); known {
		m.head.text(base64.StdEncoding.EncodeToString([]byte(text)))
	} else {
		m.head.add(part{kind: basicPart, value: both, bad: bad})
	}
	m.head.text("\r\n")
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

// cookies compiles the step's own cookies: those in its Cookie headers, which
// come first, and its cookies option.
func (m *messageCompiler) cookies() error {
	var own []*expr.Bound
	add := func(what, name, text string) error {
		value, err := m.headerValue(what, text)
		if err != nil {
			return err
		}
		if len(own) > 0 {
			own = append(own, expr.Text("; "))
		}
		own = append(own, expr.Text(name), value)
		return nil
	}
	for _, h := range m.request.Headers {
		if strings.EqualFold(h.Name, "cookie") {
			if err := add("header "+h.Name, "", h.Value); err != nil {
				return err
			}
		}
	}
	for _, c := range m.request.Cookies {
		if !isToken(c.Name) {
			return fmt.Errorf("cookie %q: expected a name of letters, digits and -", c.Name)
		}
		if err := add("cookie "+c.Name, c.Name+"=", c.Value); err != nil {
			return err
		}
		m.message.ownNames = append(m.message.ownNames, c.Name)
	}
	if own != nil {
		m.message.own, m.message.badOwn = expr.Join(own...), m.bad("cookies")
	}
	return nil
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

// isToken reports whether text is a token (RFC 9110, 5.6.2).
func isToken(text string) bool {
	for i := range len(text) {
		b := text[i]
		isAlnum := 'a' <= toLower(b) && toLower(b) <= 'z' || '0' <= b && b <= '9'
		if !isAlnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(b)) {
			return false
		}
	}
	return text != ""
}
