package local

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"hyperscale/internal/engine/dial"
	"hyperscale/internal/session"
)

// preflightTime bounds one connection of a preflight.
const preflightTime = 10 * time.Second

// Preflight opens one connection to each origin that the plan names, TLS
// included, and sends nothing. The error names each origin that could not be
// reached and why.
func Preflight(ctx context.Context, cfg Config) error {
	s := &shell{cfg: cfg, plan: cfg.Plan, names: dial.NewNames()}
	origins := map[string]*session.Origin{}
	var list []*session.Origin
	for i := range s.plan.Workflows {
		program, err := s.compile(i, nil)
		if err != nil {
			return err
		}
		for _, o := range program.Origins {
			if origins[o.Key] == nil {
				origins[o.Key] = o
				list = append(list, o)
			}
		}
	}
	_ = s.names.Preload(ctx, list...)
	errs := make([]error, len(list))
	var g sync.WaitGroup
	for i, o := range list {
		g.Go(func() { errs[i] = s.reach(ctx, o) })
	}
	g.Wait()
	return errors.Join(errs...)
}

// reach opens a connection to an origin, or to its proxy, and closes it.
func (s *shell) reach(ctx context.Context, o *session.Origin) error {
	where := o.Scheme + "://" + net.JoinHostPort(o.Host, o.Port)
	ctx, cancel := context.WithTimeout(ctx, preflightTime)
	defer cancel()
	name := s.names.Of(o)
	addr, state := name.Next()
	if state != dial.Known {
		return fmt.Errorf("preflight %s: name not resolved: %s", where, name.Why())
	}
	if err := open(ctx, o, addr); err != nil {
		return fmt.Errorf("preflight %s: %w", where, err)
	}
	return nil
}

// open connects, and shakes hands where TLS begins at once.
func open(ctx context.Context, o *session.Origin, addr netip.AddrPort) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if o.Scheme != "https" || o.Transport.Proxy != "" {
		return nil
	}
	cfg, err := dial.TLSConfig(o)
	if err != nil {
		return err
	}
	return tls.Client(conn, cfg).HandshakeContext(ctx)
}
