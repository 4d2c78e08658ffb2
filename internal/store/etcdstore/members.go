package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/server/v3/etcdserver/api/rafthttp"
	etcderrors "go.etcd.io/etcd/server/v3/etcdserver/errors"

	"hyperscale/internal/store"
)

// Member is one of those that keep the store.
type Member struct {
	ID      string // its number, which no other ever has
	Name    string // "": was let in and has not come yet
	Address string
	Learner bool // has no vote
}

// ErrAlive: a member that answers is not replaced.
var ErrAlive = errors.New("the member is alive")

// ErrNotNow: the cluster might lose its majority by this change, or the members
// did not see each other for long enough (5 s). It is worth trying again.
var ErrNotNow = errors.New("the members are not well enough to be changed")

// Members lists the members, as most of the voters know them.
func (n *Node) Members(ctx context.Context) ([]Member, error) {
	all, err := n.members(ctx)
	members := make([]Member, len(all))
	for i, m := range all {
		members[i] = Member{memberID(m.ID), m.Name, address(m), m.IsLearner}
	}
	return members, err
}

func (n *Node) members(ctx context.Context) (all []*etcdserverpb.Member, err error) {
	err = n.store.ask(ctx, "listing members", func(ctx context.Context, v visit) error {
		answer, err := v.client.MemberList(ctx)
		if err == nil {
			all = answer.Members
		}
		return err
	})
	return all, err
}

func address(m *etcdserverpb.Member) string {
	if len(m.PeerURLs) == 0 {
		return ""
	}
	return m.PeerURLs[0]
}

// Invite lets in a node whose directory is empty, under a new number: as a
// learner, which gets its vote by itself when it has caught up. A member of that
// name or address that does not answer lost its directory, and is removed first;
// one that answers is [ErrAlive]. One at a time learns: [ErrNotNow]. It gives what the node runs with as
// [Config.Initial], with Join. To invite twice is fine.
func (n *Node) Invite(ctx context.Context, name, at string) (map[string]string, error) {
	if _, err := parsePeer(at); err != nil || name == "" {
		return nil, fmt.Errorf("inviting store member %q at %q: %w", name, at, store.ErrInvalid)
	}
	all, err := n.members(ctx)
	if err != nil {
		return nil, err
	}
	initial := map[string]string{name: at}
	invited := false
	for _, m := range all {
		switch {
		case m.Name == "" && address(m) == at:
			invited = true // and has not come yet
		case m.Name == name || address(m) == at:
			if err := n.replace(ctx, m); err != nil {
				return nil, fmt.Errorf("inviting store member %q: %w", name, err)
			}
		default:
			initial[nameOf(m)] = address(m)
		}
	}
	if invited {
		return initial, nil
	}
	err = n.store.ask(ctx, "inviting store member "+name, func(ctx context.Context, v visit) error {
		_, err := v.client.MemberAddAsLearner(ctx, []string{at})
		return refusal(err)
	})
	return maps.Clone(initial), err
}

// nameOf gives a member that has not come yet a name to be listed by.
func nameOf(m *etcdserverpb.Member) string {
	if m.Name == "" {
		return memberID(m.ID)
	}
	return m.Name
}

func (n *Node) replace(ctx context.Context, m *etcdserverpb.Member) error {
	if n.answers(ctx, address(m)) {
		return fmt.Errorf("%s at %s: %w", nameOf(m), address(m), ErrAlive)
	}
	n.log.Warn("store member is replaced", "member", nameOf(m), "id", memberID(m.ID), "address", address(m))
	return n.remove(ctx, m.ID)
}

// answers reports whether a member is heard at an address.
func (n *Node) answers(ctx context.Context, at string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	carrier, err := rafthttp.NewRoundTripper(n.config.TLS.info(), time.Second)
	if err != nil {
		return true // who can't ask removes nobody
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/version", nil)
	if err != nil {
		return true
	}
	request.Close = true
	answer, err := carrier.RoundTrip(request)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	_, err = io.Copy(io.Discard, answer.Body)
	return err == nil
}

// Expel removes a member for good, alive or not, by its name or number. One that
// is not there is no error. [ErrNotNow]: it might cost the majority.
func (n *Node) Expel(ctx context.Context, name string) error {
	all, err := n.members(ctx)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.Name == name || memberID(m.ID) == name {
			return n.remove(ctx, m.ID)
		}
	}
	return nil
}

func (n *Node) remove(ctx context.Context, id uint64) error {
	return n.store.ask(ctx, "removing store member "+memberID(id), func(ctx context.Context, v visit) error {
		_, err := v.client.MemberRemove(ctx, id)
		if sameWord(err, rpctypes.ErrMemberNotFound) {
			return nil
		}
		return refusal(err)
	})
}

// refusal tells what etcd refuses for now from what it refuses for good.
func refusal(err error) error {
	for _, word := range []error{
		rpctypes.ErrUnhealthy, rpctypes.ErrMemberNotEnoughStarted, rpctypes.ErrTooManyLearners,
	} {
		if sameWord(err, word) {
			return fmt.Errorf("%w: %w (%s)", store.ErrUnavailable, ErrNotNow, err.Error())
		}
	}
	for _, word := range []error{rpctypes.ErrPeerURLExist, rpctypes.ErrMemberExist, rpctypes.ErrMemberBadURLs} {
		if sameWord(err, word) {
			return fmt.Errorf("%w: %w", store.ErrInvalid, err)
		}
	}
	return err
}

// askForVote makes this learner a voter if the leader finds that it has caught
// up.
func (n *Node) askForVote(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := n.server.PromoteMember(ctx, uint64(n.server.MemberID()))
	switch {
	case err == nil:
		n.log.Info("store member has a vote now", "member", n.config.Name)
	case !errors.Is(err, etcderrors.ErrLearnerNotReady) && ctx.Err() == nil:
		n.log.Warn("store member gets no vote yet", "member", n.config.Name, "error", err)
	}
}
