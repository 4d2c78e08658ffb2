package session

import (
	"hyperscale"
	"hyperscale/internal/expr"
)

// request is a request step, compiled.
type request struct {
	constant *Request // what goes out while no cookie does, when nothing else varies; nil otherwise
	message  message
	verdict  verdict
	carrier  carrier
}

// carrier is how a request travels.
type carrier struct {
	*hyperscale.Transport
	key         string // what tells it from other transports
	proxyHeader string // the line that shows the proxy who we are; "": none
}

// message says how a request is written.
type message struct {
	method   string
	origin   *Origin     // nil: known only while running, by where
	where    *expr.Bound // when origin is nil: the URL
	base     *expr.Bound // when origin is nil: what a path in where is below; nil: nothing
	params   *expr.Bound // escaped and joined; nil: none, or in head
	head     []part      // all lines up to the cookies
	own      *expr.Bound // the step's cookies and those of its headers; nil: none
	ownNames []string    // the names of the step's cookies: those of the jar stay at home
	ownHost  bool        // a header of the step names the host
	badOwn   Fault
	badURL   Fault
	body     *expr.Bound // nil: content
	content  []byte
	pack     bool // compress body
}

// part is a piece of a head.
type part struct {
	kind  partKind
	text  []byte      // of textPart and proxyPart
	value *expr.Bound // of valuePart, pathPart, basicPart
	bad   Fault       // when the value cannot stand there
}

// partKind says what a part appends.
type partKind uint8

const (
	textPart   partKind = iota
	valuePart           // a header's value
	basicPart           // the same in base64
	pathPart            // the target at an origin that is known
	wherePart           // place and target at an origin that is known only now
	hostPart            // the host of such an origin
	proxyPart           // the proxy's line, if a proxy carries the request
	lengthPart          // the length of a body that is known only now
)

// headWriter joins the parts of a head.
type headWriter struct{ parts []part }

func (w *headWriter) text(text string) {
	if text == "" {
		return
	}
	if last := len(w.parts) - 1; last >= 0 && w.parts[last].kind == textPart {
		w.parts[last].text = append(w.parts[last].text, text...)
		return
	}
	w.parts = append(w.parts, part{text: []byte(text)})
}

func (w *headWriter) add(p part) { w.parts = append(w.parts, p) }

// constantHead gives the head when it is known before the start.
func (m *message) constantHead() (head []byte, ok bool) {
	if len(m.head) != 1 || m.head[0].kind != textPart || m.body != nil {
		return nil, false
	}
	head = append(head, m.head[0].text...)
	if m.own != nil {
		own, known := m.own.Constant()
		if !known {
			return nil, false
		}
		head = append(head, "Cookie: "+own+"\r\n"...)
	}
	return append(head, "\r\n"...), true
}
