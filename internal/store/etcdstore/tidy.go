package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdserver"

	"hyperscale/internal/store"
)

// History is forgotten by etcd itself, each [Config.History]. Room that this
// leaves in the data file is given back by rewriting the file, during which a
// member stands still: one member at a time, and not the leader.
const (
	tidyEach   = time.Minute
	turnLength = time.Minute      // longer than any rewriting takes
	turnApart  = 20 * time.Second // between members when the store is too full to agree
	worthwhile = 32 << 20         // bytes unused in the file

	// turnKey is held by the member that rewrites its file. It lies beside the
	// keys of stores.
	turnKey = "/hyperscale-store/tidying"
)

// tidy rewrites the data file when it is worth it, and ends the alarm when there
// is room again.
func (n *Node) tidy(ctx context.Context) error {
	tick := time.NewTicker(tidyEach)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if n.Health().State == Starting {
			continue
		}
		if err := n.tidyOnce(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("store member was not tidied", "member", n.config.Name, "error", err)
		}
	}
}

// needsTidying decides by the size of the file, what of it is used, the quota,
// and whether the alarm is on.
func needsTidying(size, inUse, quota int64, full bool) bool {
	unused := size - inUse
	switch {
	case full:
		return unused > size/10
	case size > quota*3/4:
		return unused > size/4
	}
	return unused > worthwhile && unused > size/2
}

func (n *Node) tidyOnce(ctx context.Context) error {
	for range 2 { // what was freed counts as unused only after two commits
		n.server.Backend().ForceCommit()
	}
	size, inUse := n.server.Backend().Size(), n.server.Backend().SizeInUse()
	full := slices.ContainsFunc(n.server.Alarms(), ofRoom)
	if needsTidying(size, inUse, n.config.Quota, full) {
		if err := n.takeTurn(ctx, func() error { return n.rewrite() }); err != nil {
			return err
		}
	}
	if full {
		return n.endAlarm(ctx)
	}
	return nil
}

func ofRoom(a *pb.AlarmMember) bool { return a.Alarm == pb.AlarmType_NOSPACE }

// takeTurn does work while no other member does. A turn ends by itself should
// this member die. When the store is too full even to write down whose turn it
// is, members keep apart by their rank.
func (n *Node) takeTurn(ctx context.Context, work func() error) error {
	beside := newStore(n.door, "")
	id, err := beside.Grant(ctx, turnLength)
	if errors.Is(err, store.ErrFull) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(n.rank()) * turnApart):
			return work()
		}
	}
	if err != nil {
		return err
	}
	defer func() {
		// If it fails the lease ends by itself.
		_ = beside.Revoke(context.WithoutCancel(ctx), id)
	}()
	done, err := beside.Txn(ctx, store.Txn{
		If:   []store.If{{Key: turnKey}},
		Then: []store.Op{{Kind: store.Put, Key: turnKey, Value: []byte(n.config.Name), Lease: id}},
	})
	if err != nil || !done.Held {
		return err // another's turn: there is a next time
	}
	return work()
}

// rank is the place of this member among all by number.
func (n *Node) rank() int {
	r := 0
	for _, m := range n.server.Cluster().Members() {
		if m.ID < n.server.MemberID() {
			r++
		}
	}
	return r
}

func (n *Node) rewrite() error {
	if err := stepAside(n.server); err != nil {
		return fmt.Errorf("not rewriting the data file of a leader: %w", err)
	}
	before, began := n.server.Backend().Size(), time.Now()
	if err := n.server.Defragment(); err != nil {
		return fmt.Errorf("rewriting the data file: %w", err)
	}
	n.log.Info("store member gave back room", "member", n.config.Name,
		"before", before, "after", n.server.Backend().Size(), "took", time.Since(began))
	return nil
}

// stepAside hands leadership to the voter that was heard for longest, if this
// member leads and there is another. It takes an election's time at most when all
// are well.
func stepAside(server *etcdserver.EtcdServer) error {
	if err := server.TryTransferLeadershipOnShutdown(); err != nil {
		return fmt.Errorf("nobody takes the lead: %w", err)
	}
	return nil
}

// endAlarm lets writes in again when this member has room.
func (n *Node) endAlarm(ctx context.Context) error {
	if n.server.Backend().Size() > n.config.Quota*9/10 {
		return nil
	}
	return n.store.ask(ctx, "ending the alarm", func(ctx context.Context, v visit) error {
		_, err := v.client.AlarmDisarm(ctx, &clientv3.AlarmMember{
			MemberID: uint64(n.server.MemberID()), Alarm: pb.AlarmType_NOSPACE,
		})
		return err
	})
}
