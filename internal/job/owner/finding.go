package owner

import "hyperscale"

// finder finds the shares and holes of a leg, of which there may be thousands: by
// name, and by who holds them. It is made when it is first asked for, and dropped
// when the leg is divided otherwise.
type finder struct {
	shares map[hyperscale.Share]*share
	holes  map[hyperscale.Share]*hole
	of     map[hyperscale.NodeID][]*share // in the leg's order; whoever lost one since stands here still
}

// find is the leg's finder.
func (l *leg) find() *finder {
	if l.found != nil {
		return l.found
	}
	f := &finder{
		shares: make(map[hyperscale.Share]*share, len(l.Shares)), holes: make(map[hyperscale.Share]*hole, len(l.Holes)),
		of: make(map[hyperscale.NodeID][]*share, len(l.Shares)),
	}
	for _, s := range l.Shares {
		f.shares[s.Share] = s
		f.of[s.Holder.Node] = append(f.of[s.Holder.Node], s)
	}
	for _, x := range l.Holes {
		f.holes[x.Share] = x
	}
	l.found = f
	return f
}

// of are the shares that a node holds, and perhaps some that it does not any more.
func (l *leg) of(node hyperscale.NodeID) []*share { return l.find().of[node] }

// divide makes these the leg's shares.
func (l *leg) divide(shares []*share) { l.Shares, l.found = shares, nil }

// lack adds a hole to the leg's.
func (l *leg) lack(x *hole) {
	l.Holes = append(l.Holes, x)
	if l.found != nil {
		l.found.holes[x.Share] = x
	}
}
