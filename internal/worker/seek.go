package worker

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// How often the addresses of managers' names are looked up.
const (
	seekEach  = 10 * time.Second
	seekFirst = 500 * time.Millisecond // as long as none was found
	seekTime  = 5 * time.Second        // for one lookup
)

// found are the addresses of the managers in the configuration.
type found struct{ addresses []string }

// seek looks the configured managers up, again and again: names may get other
// addresses.
func (s *shell) seek(ctx context.Context) {
	known := map[string][]string{} // by entry, as last found
	faults := map[string]string{}
	for {
		var all []string
		wait := seekEach
		for _, join := range s.cfg.Join {
			addresses, err := s.addressesOf(ctx, join)
			switch {
			case ctx.Err() != nil:
				return
			case err == nil:
				known[join], faults[join] = addresses, ""
			case err.Error() != faults[join]:
				faults[join] = err.Error()
				s.log.Warn("a manager's name is not found", "name", join, "reason", err)
			}
			if len(known[join]) == 0 {
				wait = seekFirst
			}
			all = append(all, known[join]...)
		}
		s.inbox.Put(found{all})
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// addressesOf are all addresses that host:port stands for.
func (s *shell) addressesOf(ctx context.Context, join string) ([]string, error) {
	host, port, err := net.SplitHostPort(join)
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return []string{net.JoinHostPort(ip.String(), port)}, nil
	}
	ctx, stop := context.WithTimeout(ctx, seekTime)
	defer stop()
	ips, err := s.deps.Lookup(ctx, host)
	var addresses []string
	for _, ip := range ips {
		addresses = append(addresses, net.JoinHostPort(ip.Unmap().String(), port))
	}
	return addresses, err
}
