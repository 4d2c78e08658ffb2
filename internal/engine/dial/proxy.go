package dial

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
)

// Proxy is where requests are sent to be passed on.
type Proxy struct {
	TLS        bool   // https: the way to the proxy is encrypted
	Host, Port string // without brackets
	Auth       string // value of Proxy-Authorization; "": none
}

// ParseProxy reads the URL of a proxy: http or https, with a port or its
// scheme's, and with a user and password if it asks for them.
func ParseProxy(text string) (Proxy, error) {
	u, err := url.Parse(text)
	if err != nil {
		var cause *url.Error // which has the whole URL, and in it the password
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return Proxy{}, fmt.Errorf("read the proxy's URL: %w", err)
	}
	p := Proxy{Host: u.Hostname(), Port: u.Port()}
	switch u.Scheme {
	case "http":
	case "https":
		p.TLS = true
	default:
		return Proxy{}, fmt.Errorf("read the proxy's URL %q: its scheme must be http or https", u.Redacted())
	}
	if p.Host == "" {
		return Proxy{}, fmt.Errorf("read the proxy's URL %q: it names no host", u.Redacted())
	}
	if p.Port == "" {
		p.Port = map[bool]string{false: "80", true: "443"}[p.TLS]
	}
	if u.User != nil {
		password, _ := u.User.Password()
		p.Auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
	}
	return p, nil
}
