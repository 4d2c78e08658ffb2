package rpc

import (
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	pb "hyperscale/internal/rpc/hyperscalev1"
)

func wireHolder(h link.Holder) *pb.Holder {
	return &pb.Holder{Node: string(h.Node), Boot: uint64(h.Boot)}
}

func readHolder(h *pb.Holder) link.Holder {
	return link.Holder{Node: hyperscale.NodeID(h.GetNode()), Boot: hyperscale.Boot(h.GetBoot())}
}

func wireWant(w link.Want) *pb.Want {
	return &pb.Want{
		Job: string(w.Job), Epoch: uint64(w.Epoch), Number: w.Number, Priority: pb.Priority(w.Priority + 1), Exclusive: w.Exclusive, QueuedNs: int64(w.Queued),
		Exclude: each(w.Exclude, wireHolder), OrNever: w.OrNever, LengthNs: int64(w.Length),
		Prefer: each(w.Prefer, func(n hyperscale.NodeID) string { return string(n) }),
		Workflows: each(w.Workflows, func(c link.WorkflowCores) *pb.WorkflowCores {
			return &pb.WorkflowCores{Workflow: valid(c.Workflow), Least: small(c.Least), Most: small(c.Most)}
		}),
	}
}

func readWant(w *pb.Want) link.Want {
	return link.Want{
		Job: hyperscale.JobID(w.GetJob()), Epoch: hyperscale.Epoch(w.GetEpoch()), Number: w.GetNumber(),
		Priority: readPriority(w.GetPriority()), Exclusive: w.GetExclusive(), Queued: time.Duration(w.GetQueuedNs()),
		Exclude: each(w.GetExclude(), readHolder), OrNever: w.GetOrNever(), Length: max(time.Duration(w.GetLengthNs()), 0),
		Prefer: each(w.GetPrefer(), func(n string) hyperscale.NodeID { return hyperscale.NodeID(n) }),
		Workflows: each(w.GetWorkflows(), func(c *pb.WorkflowCores) link.WorkflowCores {
			return link.WorkflowCores{Workflow: c.GetWorkflow(), Least: count(c.GetLeast()), Most: count(c.GetMost())}
		}),
	}
}

func wireRun(r link.Run) *pb.Run {
	return &pb.Run{Job: string(r.Job), Workflow: valid(r.Workflow), Exclusive: r.Exclusive, LeftNs: int64(r.Left)}
}

func readRun(r *pb.Run) link.Run {
	return link.Run{Job: hyperscale.JobID(r.GetJob()), Workflow: r.GetWorkflow(), Exclusive: r.GetExclusive(), Left: time.Duration(r.GetLeftNs())}
}

func wireWants(w link.Wants) *pb.Wants {
	return &pb.Wants{
		Wants: each(w.Wants, wireWant), Runs: each(w.Runs, wireRun),
		Only: each(w.Only, func(j hyperscale.JobID) string { return string(j) }),
	}
}

func readWants(w *pb.Wants) link.Wants {
	return link.Wants{
		Wants: each(w.GetWants(), readWant), Runs: each(w.GetRuns(), readRun),
		Only: each(w.GetOnly(), func(j string) hyperscale.JobID { return hyperscale.JobID(j) }),
	}
}

// readPriority takes what it does not know for normal.
func readPriority(p pb.Priority) link.Priority {
	priority, err := enum("a priority", int32(p), link.PriorityAuto+1)
	if err != nil {
		return link.PriorityNormal
	}
	return priority
}

func wireGrant(g link.Grant) *pb.Grant {
	return &pb.Grant{
		Job: string(g.Job), Epoch: uint64(g.Epoch), Number: g.Number, Workflow: valid(g.Workflow), Refused: valid(g.Refused), Waiting: valid(g.Waiting),
		Position: small(g.Position), ExpectedNs: int64(g.Expected),
		Cores: each(g.Cores, func(c link.Cores) *pb.Cores {
			return &pb.Cores{Holder: wireHolder(c.Holder), N: small(c.N)}
		}),
	}
}

func readGrant(g *pb.Grant) link.Grant {
	return link.Grant{
		Job: hyperscale.JobID(g.GetJob()), Epoch: hyperscale.Epoch(g.GetEpoch()), Number: g.GetNumber(), Workflow: g.GetWorkflow(),
		Refused: g.GetRefused(), Waiting: g.GetWaiting(), Position: count(g.GetPosition()), Expected: time.Duration(g.GetExpectedNs()),
		Cores: each(g.GetCores(), func(c *pb.Cores) link.Cores {
			return link.Cores{Holder: readHolder(c.GetHolder()), N: count(c.GetN())}
		}),
	}
}

func wireOffer(o link.Offer) *pb.Offer {
	return &pb.Offer{Job: string(o.Job), Epoch: uint64(o.Epoch), Fence: o.Fence}
}

func readOffer(o *pb.Offer) link.Offer {
	return link.Offer{Job: hyperscale.JobID(o.GetJob()), Epoch: hyperscale.Epoch(o.GetEpoch()), Fence: o.GetFence()}
}

func wireTaken(t link.Taken) *pb.Taken {
	return &pb.Taken{Job: string(t.Job), Epoch: uint64(t.Epoch), Refused: valid(t.Refused)}
}

func readTaken(t *pb.Taken) link.Taken {
	return link.Taken{Job: hyperscale.JobID(t.GetJob()), Epoch: hyperscale.Epoch(t.GetEpoch()), Refused: t.GetRefused()}
}

func wirePost(p link.Post) *pb.PostRequest {
	return &pb.PostRequest{Job: string(p.Job), To: valid(p.To), Id: valid(p.ID), Body: p.Body}
}

func readPost(p *pb.PostRequest) link.Post {
	return link.Post{Job: hyperscale.JobID(p.GetJob()), To: p.GetTo(), ID: p.GetId(), Body: p.GetBody()}
}

func wireRelay(r link.Relay) (*pb.Relay, error) {
	out := &pb.Relay{Worker: wireHolder(r.Worker)}
	if (r.Up == nil) == (r.Down == nil) {
		return nil, fmt.Errorf("a relay for %s carries one thing, up or down", r.Worker.Node)
	}
	switch said := r.Up.(type) {
	case link.Statement:
		out.Said = &pb.Relay_Statement{Statement: wireStatement(said)}
	case link.Fenced:
		out.Said = &pb.Relay_Fenced{Fenced: wireFenced(said)}
	case link.Delivery:
		out.Said = &pb.Relay_Delivery{Delivery: wireDelivery(said)}
	}
	switch said := r.Down.(type) {
	case link.Word:
		out.Said = &pb.Relay_Word{Word: wireWord(said)}
	case link.Order:
		out.Said = &pb.Relay_Order{Order: wireOrder(said)}
	case link.Receipt:
		out.Said = &pb.Relay_Receipt{Receipt: wireReceipt(said)}
	}
	return out, nil
}

func readRelay(r *pb.Relay) (link.Relay, error) {
	relay := link.Relay{Worker: readHolder(r.GetWorker())}
	var err error
	switch said := r.GetSaid().(type) {
	case *pb.Relay_Statement:
		relay.Up, err = readStatement(said.Statement)
	case *pb.Relay_Fenced:
		relay.Up = readFenced(said.Fenced)
	case *pb.Relay_Delivery:
		relay.Up, err = readDelivery(said.Delivery)
	case *pb.Relay_Word:
		relay.Down = readWord(said.Word)
	case *pb.Relay_Order:
		relay.Down, err = readOrder(said.Order)
	case *pb.Relay_Receipt:
		relay.Down, err = readReceipt(said.Receipt)
	default:
		err = unknownSaying("a relay")
	}
	return relay, err
}

func wireInvitation(in Invitation) *pb.InviteRequest {
	return &pb.InviteRequest{Name: valid(string(in.Name)), Url: valid(in.URL)}
}

func readInvitation(r *pb.InviteRequest) Invitation {
	return Invitation{Name: hyperscale.NodeID(r.GetName()), URL: r.GetUrl()}
}

func wireSaid(s link.Said) (*pb.Saying, error) {
	switch s := s.(type) {
	case link.Hello:
		return &pb.Saying{Said: &pb.Saying_Hello{Hello: &pb.Hello{Node: string(s.Node), Boot: uint64(s.Boot), Version: valid(s.Version)}}}, nil
	case link.Wants:
		return &pb.Saying{Said: &pb.Saying_Wants{Wants: wireWants(s)}}, nil
	case link.Grants:
		return &pb.Saying{Said: &pb.Saying_Grants{Grants: &pb.Grants{Grants: each(s.Grants, wireGrant)}}}, nil
	case link.Capacity:
		return &pb.Saying{Said: &pb.Saying_Capacity{Capacity: wireCapacity(s)}}, nil
	case link.Hear:
		return &pb.Saying{Said: &pb.Saying_Hear{Hear: &pb.Hear{Holder: wireHolder(s.Holder)}}}, nil
	case link.Heard:
		return &pb.Saying{Said: &pb.Saying_Heard{Heard: &pb.Heard{Holder: wireHolder(s.Holder), Heard: s.Heard, AgeNs: int64(s.Age)}}}, nil
	case link.Offer:
		return &pb.Saying{Said: &pb.Saying_Offer{Offer: wireOffer(s)}}, nil
	case link.Taken:
		return &pb.Saying{Said: &pb.Saying_Taken{Taken: wireTaken(s)}}, nil
	case link.Relay:
		relay, err := wireRelay(s)
		return &pb.Saying{Said: &pb.Saying_Relay{Relay: relay}}, err
	}
	return nil, fmt.Errorf("nodes of a tier do not say a %T", s)
}

func readSaid(s *pb.Saying) (link.Said, error) {
	switch said := s.GetSaid().(type) {
	case *pb.Saying_Hello:
		h := said.Hello
		return link.Hello{Node: hyperscale.NodeID(h.GetNode()), Boot: hyperscale.Boot(h.GetBoot()), Version: h.GetVersion()}, nil
	case *pb.Saying_Wants:
		return readWants(said.Wants), nil
	case *pb.Saying_Grants:
		return link.Grants{Grants: each(said.Grants.GetGrants(), readGrant)}, nil
	case *pb.Saying_Capacity:
		return readCapacity(said.Capacity), nil
	case *pb.Saying_Hear:
		return link.Hear{Holder: readHolder(said.Hear.GetHolder())}, nil
	case *pb.Saying_Heard:
		h := said.Heard
		return link.Heard{Holder: readHolder(h.GetHolder()), Heard: h.GetHeard(), Age: time.Duration(h.GetAgeNs())}, nil
	case *pb.Saying_Offer:
		return readOffer(said.Offer), nil
	case *pb.Saying_Taken:
		return readTaken(said.Taken), nil
	case *pb.Saying_Relay:
		return readRelay(said.Relay)
	}
	return nil, unknownSaying("a peer")
}
