package dial

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"hyperscale"
	"hyperscale/internal/session"
)

// TLSConfig makes the settings of TLS for connections to an origin: its plan's
// options, no resumption, and the one protocol that the plan asks for. Making
// them costs some work: drivers keep them with what they know of the origin, and
// any number of connections may share them.
func TLSConfig(o *session.Origin) (*tls.Config, error) {
	return tlsConfig(&o.Transport.TLS, o.Host, protocol(o.Transport))
}

// ProxyTLSConfig makes the settings for connections to a proxy: certificates are
// checked as those of the target are, by the proxy's own name.
func ProxyTLSConfig(p Proxy, of *hyperscale.TLS) (*tls.Config, error) {
	t := *of
	t.ServerName, t.Cert, t.Key = "", nil, nil
	return tlsConfig(&t, p.Host, "http/1.1")
}

// protocol is the name, in ALPN, of what is spoken over t.
func protocol(t *hyperscale.Transport) string {
	if t.HTTP == 2 {
		return "h2"
	}
	return "http/1.1"
}

func tlsConfig(t *hyperscale.TLS, host, protocol string) (*tls.Config, error) {
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         serverName(t.ServerName, host),
		InsecureSkipVerify: t.Insecure,
		NextProtos:         []string{protocol},
	}
	switch t.Min {
	case "", "1.2":
	case "1.3":
		cfg.MinVersion = tls.VersionTLS13
	default:
		return nil, fmt.Errorf("set up TLS for %s: no version %q", host, t.Min)
	}
	if t.CA != nil {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(t.CA) {
			return nil, fmt.Errorf("set up TLS for %s: %w", host, errNoCA)
		}
	}
	if t.Cert != nil || t.Key != nil {
		pair, err := tls.X509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("set up TLS for %s: read our certificate: %w", host, err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

var errNoCA = errors.New("no certificate in the CA file")

// serverName is the name that a certificate is checked for: the one asked for,
// else the host, without the zone of an address and without the last dot.
func serverName(asked, host string) string {
	if asked != "" {
		return asked
	}
	if strings.Contains(host, ":") {
		host, _, _ = strings.Cut(host, "%")
	}
	return strings.TrimSuffix(host, ".")
}
