package session

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"

	"hyperscale"
)

// transportKey tells transports apart by what connections depend on.
func transportKey(t *hyperscale.Transport) string {
	h := sha256.New() // which takes everything
	_, _ = fmt.Fprintf(h, "%d %q %q %q ", t.HTTP, t.Connections, t.Proxy, t.Resolve)
	_, _ = fmt.Fprintf(h, "%t %q %q %q %q %q", t.TLS.Insecure, t.TLS.CA, t.TLS.Cert, t.TLS.Key, t.TLS.ServerName, t.TLS.Min)
	return "#" + hex.EncodeToString(h.Sum(nil)[:12])
}

// appendKey appends the key of an origin.
func appendKey(dst []byte, at *location, transport string) []byte {
	dst = append(append(dst, at.scheme...), "://"...)
	dst = append(append(dst, at.host...), ' ')
	return append(append(dst, at.port...), transport...)
}

// newOrigin makes the origin of a location.
func newOrigin(at *location, transport *hyperscale.Transport, key string) *Origin {
	return &Origin{Key: key, Scheme: at.scheme, Host: string(at.host), Port: string(at.port), Transport: transport}
}

// mostOrigins bounds the origins that were met while running and are kept; when
// there are more they are met afresh.
const mostOrigins = 1024

// origin gives the origin of a location that is known only now and whose key is
// in sc.
func (sc *Scratch) origin(at *location, transport *hyperscale.Transport) *Origin {
	if o, ok := sc.origins[string(sc.key)]; ok {
		return o
	}
	if sc.origins == nil || len(sc.origins) >= mostOrigins {
		sc.origins = map[string]*Origin{}
	}
	o := newOrigin(at, transport, string(sc.key))
	sc.origins[o.Key] = o
	return o
}

// origin lists an origin that is known before the start.
func (p *Program) origin(at *location, transport *hyperscale.Transport) *Origin {
	key := string(appendKey(nil, at, transportKey(transport)))
	for _, o := range p.Origins {
		if o.Key == key {
			return o
		}
	}
	o := newOrigin(at, transport, key)
	p.Origins = append(p.Origins, o)
	return o
}

// viaProxy reports whether requests to the origin name it in their first line:
// an HTTP proxy takes them. (For https and HTTP/2 it only carries the connection.)
func (o *Origin) viaProxy() bool {
	return o.Scheme == "http" && o.Transport.HTTP != 2 && isAbsolute(o.Transport.Proxy)
}

// appendPlace appends what the first line of a request names before the path.
func appendPlace(dst []byte, o *Origin) []byte {
	if !o.viaProxy() {
		return dst
	}
	return appendAuthority(append(dst, "http://"...), o)
}

// proxyHeader gives the header line that shows an HTTP proxy who we are; nothing
// when the proxy's URL names nobody.
func proxyHeader(t *hyperscale.Transport) string {
	proxy, err := url.Parse(t.Proxy)
	if err != nil || proxy.User == nil {
		return ""
	}
	password, _ := proxy.User.Password()
	user := proxy.User.Username() + ":" + password
	return "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user)) + "\r\n"
}
