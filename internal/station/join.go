package station

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/rpc"
	"hyperscale/internal/store"
	"hyperscale/internal/store/etcdstore"
)

// host lets others of its tier into the store that this one keeps.
type host struct{ life *life }

// Invite lets in whoever asks for itself.
func (h host) Invite(ctx context.Context, who rpc.Caller, in rpc.Invitation) ([]hyperscale.Pair, error) {
	member, ok := h.life.store.(embedded)
	if !ok {
		return nil, rpc.Errorf(rpc.Unsupported, "the store of this node is external: whoever runs it lets members in")
	}
	h.life.log.Info("audit", "what", "invite", "node", in.Name, "url", in.URL, "from", who.Address)
	initial, err := member.Invite(ctx, string(in.Name), in.URL)
	if err != nil {
		return nil, refusal(err)
	}
	var all []hyperscale.Pair
	for name, url := range initial {
		all = append(all, hyperscale.Pair{Name: name, Value: url})
	}
	return all, nil
}

// refusal puts the store's errors into the kinds that callers know.
func refusal(err error) error {
	switch {
	case errors.Is(err, etcdstore.ErrAlive):
		return rpc.Errorf(rpc.Conflict, "%v; a node that takes another's place comes when that is gone", err)
	case errors.Is(err, store.ErrInvalid):
		return rpc.Errorf(rpc.Invalid, "%v", err)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, etcdstore.ErrNotNow):
		return rpc.Errorf(rpc.Unavailable, "%v", err)
	}
	return err
}

const (
	askTime  = 10 * time.Second // for one answer: removing a member that is gone takes a while
	askAgain = time.Second
)

// askIn asks the nodes that run, one after the other, to let this one into
// their store, until one does. Only what will not change by waiting is an error.
func (l opening) askIn(ctx context.Context, running []string) (map[string]string, error) {
	l.log.Info("asking to be let into the store", "of", running)
	for said := ""; ; {
		var last error
		for _, address := range running {
			initial, err := l.askOne(ctx, address)
			if err == nil {
				l.log.Info("let into the store", "by", address, "members", initial)
				return initial, nil
			}
			if kind := rpc.KindOf(err); kind == rpc.Invalid || kind == rpc.Unauthorized || kind == rpc.Unsupported {
				return nil, fmt.Errorf("asking %s to be let into the store: %w", address, err)
			}
			last = err
		}
		if text := last.Error(); text != said {
			said = text
			l.log.Warn("nobody lets this node into the store yet; asking again", "reason", last)
		}
		if !pause(ctx, askAgain) {
			return nil, context.Cause(ctx)
		}
		if here, err := l.company(); err == nil && len(here.running) > 0 {
			running = here.running
		}
	}
}

func (l opening) askOne(ctx context.Context, address string) (map[string]string, error) {
	conn, err := rpc.Dial(address, rpc.Dialing{Self: l.cfg.Self, Certificates: l.cfg.Certificates})
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // the answer has come, or will not
	ctx, stop := context.WithTimeout(ctx, askTime)
	defer stop()
	members, err := conn.Peer().Invite(ctx, rpc.Invitation{Name: l.cfg.Self.Node, URL: l.storeURL()})
	if err != nil {
		return nil, err
	}
	initial := map[string]string{}
	for _, m := range members {
		initial[m.Name] = m.Value
	}
	return initial, nil
}
