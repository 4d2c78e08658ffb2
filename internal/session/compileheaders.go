package session

import (
	"encoding/base64"
	"fmt"
	"strings"

	"hyperscale/internal/expr"
)

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
