package etcdstore

import (
	"context"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// State is a member's health in a word.
type State string

// The states of a member.
const (
	Starting State = "starting"  // not ready yet
	Ready    State = "ready"     // takes reads and writes
	Learning State = "learning"  // ready, but has no vote until it has caught up
	NoLeader State = "no leader" // most of the voters are not heard
	Full     State = "full"      // no room: reads and deletions only
	Corrupt  State = "corrupt"   // members hold different data: nothing is taken
	Ended    State = "ended"
)

// Health is how a member fares, as of at most a second ago.
type Health struct {
	State  State
	ID     string // number of this member; "": not known yet
	Leader bool   // this member leads
	Led    string // number of the member that leads; "": none
	LedBy  string // its name; "": not known
	Size   int64  // bytes of the data file
	InUse  int64  // bytes of it that hold something
}

// Health says how the member fares.
func (n *Node) Health() Health {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.health
}

// Leader reports whether this member leads the cluster now.
func (n *Node) Leader() bool { return n.Health().Leader }

func (n *Node) note(change func(*Health)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(&n.health)
}

const (
	lookEach = 200 * time.Millisecond

	// afterglow is how long requests that were out when the leader changed may
	// still be answered: what the old leader passed on, the new one settles at
	// once. The others would wait for seconds.
	afterglow = 500 * time.Millisecond
)

// attend keeps health true, tells of changes, ends requests that a dead leader
// left behind, and asks for a vote while this member has none.
func (n *Node) attend(ctx context.Context) error {
	look := time.NewTicker(lookEach)
	defer look.Stop()
	vote := time.NewTicker(time.Second)
	defer vote.Stop()
	for before, led := Starting, ""; ; {
		changed := n.server.LeaderChangedNotify()
		h := n.examine()
		n.note(func(now *Health) { *now = h })
		if h.State != before {
			n.tell(before, h)
			before = h.State
		}
		if h.Led != "" && h.Led != led {
			n.log.Info("the store has a new leader", "leader", n.nameOfLeader(), "id", h.Led, "before", led)
			led = h.Led
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		case <-changed:
			time.AfterFunc(afterglow, n.door.newReign())
		case <-vote.C:
			if h.State == Learning {
				n.askForVote(ctx)
			}
		}
	}
}

// nameOfLeader is the leader's name; "": not known yet.
func (n *Node) nameOfLeader() string {
	if m := n.server.Cluster().Member(n.server.Leader()); m != nil {
		return m.Name
	}
	return ""
}

func (n *Node) examine() Health {
	h := Health{
		ID:     n.server.MemberID().String(),
		Leader: n.server.Leader() == n.server.MemberID(),
		Size:   n.server.Backend().Size(),
		InUse:  n.server.Backend().SizeInUse(),
	}
	if n.server.Lead() != 0 {
		h.Led, h.LedBy = n.server.Leader().String(), n.nameOfLeader()
	}
	select {
	case <-n.server.ReadyNotify():
		// One that was just removed is no member, of which etcd must not be asked more.
		me := n.server.Cluster().Member(n.server.MemberID())
		h.State = word(h.Led != "", me != nil && me.IsLearner, n.server.Alarms())
	default:
		h.State = Starting
	}
	return h
}

// word chooses a state: what hinders most comes first.
func word(led, learner bool, alarms []*pb.AlarmMember) State {
	full := false
	for _, a := range alarms {
		if a.Alarm == pb.AlarmType_CORRUPT {
			return Corrupt
		}
		full = full || a.Alarm == pb.AlarmType_NOSPACE
	}
	switch {
	case !led:
		return NoLeader
	case full:
		return Full
	case learner:
		return Learning
	}
	return Ready
}

func (n *Node) tell(before State, h Health) {
	args := []any{"member", n.config.Name, "state", string(h.State), "before", string(before),
		"leader", h.Led, "size", h.Size, "in use", h.InUse}
	if h.State == Ready || h.State == Learning || h.State == Starting {
		n.log.Info("store member changed", args...)
		return
	}
	n.log.Warn("store member changed", args...)
}
