package doors

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// How often the addresses of parents' names are looked up.
const (
	seekEach  = 10 * time.Second
	seekFirst = 500 * time.Millisecond // as long as none was found
	seekTime  = 5 * time.Second        // for one lookup
)

// seek looks the configured parents up, again and again: names may get other
// addresses.
func (d *Doors) seek(ctx context.Context) {
	known := map[string][]string{} // by entry, as last found
	faults := map[string]string{}
	for {
		var all []string
		wait := seekEach
		for _, name := range d.cfg.Names {
			addresses, err := d.addressesOf(ctx, name)
			switch {
			case ctx.Err() != nil:
				return
			case err == nil:
				known[name], faults[name] = addresses, ""
			case err.Error() != faults[name]:
				faults[name] = err.Error()
				d.cfg.Log.Warn("a "+d.cfg.Kind+"'s name is not found", "name", name, "reason", err)
			}
			if len(known[name]) == 0 {
				wait = seekFirst
			}
			all = append(all, known[name]...)
		}
		d.found(all)
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
func (d *Doors) addressesOf(ctx context.Context, name string) ([]string, error) {
	host, port, err := net.SplitHostPort(name)
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return []string{net.JoinHostPort(ip.String(), port)}, nil
	}
	ctx, stop := context.WithTimeout(ctx, seekTime)
	defer stop()
	ips, err := d.cfg.Lookup(ctx, host)
	var addresses []string
	for _, ip := range ips {
		addresses = append(addresses, net.JoinHostPort(ip.Unmap().String(), port))
	}
	return addresses, err
}

// Check holds the name of a parent to what can be dialled; kind is what parents are
// called.
func Check(kind, name string, certified bool) error {
	host, port, err := net.SplitHostPort(name)
	if err != nil || host == "" || port == "" {
		return fmt.Errorf("%s %q: host:port is wanted, such as 10.0.0.1:7400", kind, name)
	}
	if ip, err := netip.ParseAddr(host); err == nil && !certified && !ip.IsLoopback() {
		return fmt.Errorf("%s %s: without certificates only %ss on loopback are called", kind, name, kind)
	}
	return nil
}
