package gossip

import (
	"context"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"
)

// How often peers are tried that are configured and not there: fast at first,
// then steadily and for ever.
const (
	firstTry = 100 * time.Millisecond
	lastTry  = 3 * time.Second
)

// join looks for the configured peers for as long as it runs: those never heard
// from, and those that are not there now, which heals a group that was cut in
// two for so long that its parts have forgotten each other.
func (g *Gossip) join(ctx context.Context, list *memberlist.Memberlist) {
	pause := firstTry
	for len(g.config.Join) > 0 {
		missing := g.missing(ctx)
		for _, address := range missing {
			if ctx.Err() != nil {
				return
			}
			if _, err := list.Join([]string{address}); err != nil {
				g.log.Debug("a peer was not reached", "address", address, "error", err)
			}
		}
		if len(missing) == 0 {
			pause = lastTry
		}
		if !wait(ctx, pause) {
			return
		}
		pause = min(pause*8/5, lastTry)
	}
}

// missing looks the configured peers up and gives the addresses of those that
// are not among the members.
func (g *Gossip) missing(ctx context.Context) []string {
	var all []string
	for _, peer := range g.config.Join {
		places := lookUp(ctx, peer)
		if len(places) == 0 {
			g.log.Debug("a peer's name was not resolved", "peer", peer)
			continue
		}
		g.mu.Lock()
		g.places[peer] = places
		g.mu.Unlock()
		here := g.find()
		for _, place := range places {
			if !slices.Contains(here, place) && !slices.Contains(all, place) {
				all = append(all, place)
			}
		}
	}
	return all
}

// find gives the addresses of all members, oneself among them, and notes which
// configured peers were found.
func (g *Gossip) find() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var here []string
	for _, m := range g.roster.Alive() {
		here = append(here, m.Addr)
	}
	for _, peer := range g.config.Join {
		there := func(place string) bool { return slices.Contains(here, place) }
		g.found[peer] = g.found[peer] || there(peer) || slices.ContainsFunc(g.places[peer], there)
	}
	return here
}

// Unheard is the configured peers of which no member was ever heard at one of
// their addresses.
func (g *Gossip) Unheard() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []string
	for _, peer := range g.config.Join {
		if !g.found[peer] {
			all = append(all, peer)
		}
	}
	return all
}

// lookUp gives the IP addresses of a peer with its port.
func lookUp(ctx context.Context, peer string) []string {
	host, port, err := split(peer)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil
	}
	var all []string
	for _, ip := range found {
		all = append(all, net.JoinHostPort(ip.IP.String(), strconv.Itoa(port)))
	}
	slices.Sort(all)
	return all
}
