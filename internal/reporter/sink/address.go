package sink

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

// errForbidden is of addresses that nothing is ever sent to.
var errForbidden = errors.New("link-local addresses, where clouds keep the secrets of machines, are not reported to")

// allowed refuses a connection to a link-local address, whatever name it was found by.
func allowed(_, address string, _ syscall.RawConn) error {
	if at, err := netip.ParseAddrPort(address); err == nil && at.Addr().Unmap().IsLinkLocalUnicast() {
		return errForbidden
	}
	return nil
}

// parseURL reads an address of one of the schemes. path is what it is without one.
func parseURL(kind, text, path string, schemes ...string) (*url.URL, error) {
	example := fmt.Sprintf("%s=%s://HOST:PORT%s", kind, schemes[0], path)
	if text == "" {
		return nil, fmt.Errorf("it needs an address: %s", example)
	}
	u, err := url.Parse(text)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err // the whole may hold a password
		}
		return nil, fmt.Errorf("its address is no URL: %w; expected %s", err, example)
	}
	switch {
	case !slices.Contains(schemes, u.Scheme):
		return nil, fmt.Errorf("its address begins with none of %s://; expected %s", strings.Join(schemes, "://, "), example)
	case u.Host == "" || u.Hostname() == "":
		return nil, fmt.Errorf("its address has no host; expected %s", example)
	case u.Fragment != "":
		return nil, fmt.Errorf("its address has a # part, which is never sent; expected %s", example)
	}
	if u.User != nil {
		return nil, fmt.Errorf("its address holds a user or password, which others can see; give them as HYPERSCALE_%s_USER and HYPERSCALE_%[1]s_PASSWORD (or with _FILE and a path)", strings.ToUpper(kind))
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = path
	}
	return u, nil
}

// parseHost reads host:port; the port may be left out.
func parseHost(kind, text, port string) (string, error) {
	if text == "" {
		return "", fmt.Errorf("it needs an address: %s=HOST:%s", kind, port)
	}
	if strings.Contains(text, "://") {
		return "", fmt.Errorf("its address is no URL; expected %s=HOST:%s", kind, port)
	}
	host, given, err := net.SplitHostPort(text)
	if err != nil {
		host, given = strings.Trim(text, "[]"), port
	}
	if host == "" || strings.ContainsAny(host, "/ ") {
		return "", fmt.Errorf("its address %q has no host; expected %s=HOST:%s", text, kind, port)
	}
	return net.JoinHostPort(host, given), nil
}
