package cli

import (
	"bytes"
	"strings"

	"hyperscale/internal/engine/wire"
)

// sentHead is the head of a request as its protocol carries it. Requests have
// theirs in HTTP/1.1 form whatever the protocol.
func sentHead(x *wire.Exchange) []byte {
	if o := x.Request.Origin; o.Transport != nil && o.Transport.HTTP == 2 {
		return http2Head(o.Scheme, x.Request.Head)
	}
	return x.Request.Head
}

// http2Head gives a head its form in HTTP/2: the request line and Host as
// pseudo-header fields, names in lower case, and nothing that belongs to a
// connection (RFC 9113, section 8.2.2 and 8.3.1).
func http2Head(scheme string, head []byte) []byte {
	line, rest, _ := strings.Cut(string(head), "\r\n")
	method, target, _ := strings.Cut(line, " ")
	path, _, _ := strings.Cut(target, " ")
	var authority string
	var fields bytes.Buffer
	for field := range strings.SplitSeq(rest, "\r\n") {
		name, value, ok := strings.Cut(field, ":")
		switch name = strings.ToLower(name); {
		case name == "host":
			authority = strings.TrimSpace(value)
		case ok && !ofConnection(name):
			fields.WriteString(name + ":" + value + "\r\n")
		}
	}
	return append([]byte(":method: "+method+"\r\n:scheme: "+scheme+"\r\n:authority: "+authority+"\r\n:path: "+path+"\r\n"), fields.Bytes()...)
}

// ofConnection reports whether HTTP/2 has no such field.
func ofConnection(name string) bool {
	switch name {
	case "connection", "keep-alive", "proxy-connection", "proxy-authorization", "transfer-encoding", "upgrade", "http2-settings":
		return true
	}
	return false
}
