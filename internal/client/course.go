package client

import (
	"errors"
	"slices"
	"time"

	"hyperscale/internal/rpc"
)

// most is how many times a call follows "not the owner" before it asks anybody.
const most = 3

// course decides where one call goes next: pure, told the time, who was asked and
// what that came to. A course is done with its call.
//
//	the node answers, or refuses for good     the end
//	not the owner, who is known               there at once, three times
//	not the owner, who is not known           the next node, after a wait
//	the connection broke                      the next node; once all were asked, after a wait
//	nobody is there                           anybody, after a wait
//	too much to do, too often asked           the next node, after the time it says
//	nothing of this helped for so long        the end, with the last error
type course struct {
	nodes []string  // to ask in turn; never empty
	until time.Time // no attempt begins after it

	at    int // in nodes
	hops  int
	tries int         // since the last wait
	waits rpc.Backoff // after each node was asked once
}

// step is what to do next.
type step struct {
	addresses []string      // of which the first that is there is asked
	wait      time.Duration // before it
	owner     string        // the first of the addresses, where it was named as that of the job's owner
	end       bool          // nothing: the call is over
}

// first is where the call begins: at the owner, if one is known.
func (c *course) first(owner string) step { return step{addresses: c.turn(owner), owner: owner} }

// turn is whom to try one after the other.
func (c *course) turn(owner string) []string {
	turn := slices.Concat(c.nodes[c.at:], c.nodes[:c.at])
	if owner == "" {
		return turn
	}
	return slices.Insert(slices.DeleteFunc(turn, func(n string) bool { return n == owner }), 0, owner)
}

// after decides on what an attempt came to. Asked is who was there, "" if nobody;
// draw is uniform in [0, 1).
func (c *course) after(now time.Time, draw float64, asked string, err error) step {
	kind := rpc.KindOf(err)
	if err == nil || !kind.Again() {
		return step{end: true}
	}
	var told rpc.Error
	if e := new(rpc.Error); errors.As(err, &e) {
		told = *e
	}
	if at := slices.Index(c.nodes, asked); at >= 0 {
		c.at = (at + 1) % len(c.nodes)
	}
	if kind == rpc.NotOwner && told.Address != "" && c.hops < most {
		c.hops++
		return step{addresses: c.turn(told.Address), owner: told.Address}
	}
	next := step{}
	switch {
	case asked != "" && kind == rpc.Unavailable:
		if c.tries++; c.tries >= len(c.nodes) {
			next.wait = c.grow(draw)
		}
	default:
		next.wait = max(c.grow(draw), told.Retry)
	}
	c.hops = 0
	next.addresses = c.turn("")
	if now.Add(next.wait).After(c.until) {
		return step{end: true}
	}
	return next
}

// grow gives the next wait.
func (c *course) grow(draw float64) time.Duration {
	c.tries = 0
	return c.waits.Next(draw)
}

// fresh forgets what went wrong: the call makes progress again.
func (c *course) fresh(until time.Time) {
	c.hops, c.tries, c.until = 0, 0, until
	c.waits.Reset()
}
