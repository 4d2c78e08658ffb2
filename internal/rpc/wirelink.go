package rpc

import (
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	pb "hyperscale/internal/rpc/hyperscalev1"
)

func wireHold(h link.Hold) *pb.Hold {
	if h == (link.Hold{}) {
		return nil
	}
	return &pb.Hold{Job: string(h.Job), Workflow: valid(h.Workflow), Share: wireShare(h.Share)}
}

func readHold(h *pb.Hold) (link.Hold, error) {
	share, err := readShare(h.GetShare())
	return link.Hold{Job: hyperscale.JobID(h.GetJob()), Workflow: h.GetWorkflow(), Share: share}, err
}

func wireHeld(h link.Held) *pb.Held {
	return &pb.Held{
		Hold: wireHold(h.Hold), State: pb.HoldState(h.State + 1), Reason: valid(h.Reason), Start: h.Start,
		JobTimeNs: int64(h.JobTime), Cut: h.Cut, Acked: h.Acked,
		ReservePlace: h.Reserve.Place, ReservePass: h.Reserve.Pass,
		Adjustment: h.Adjustment, Aborted: valid(h.Aborted), Epoch: uint64(h.Epoch), SilenceNs: int64(h.Silence),
		Cancelled: valid(h.Cancelled.By), CancelledWhole: h.Cancelled.Whole, Lowered: valid(h.Lowered), ForGood: h.ForGood, Tenure: uint64(h.Tenure),
	}
}

func readHeld(h *pb.Held) (link.Held, error) {
	hold, err := readHold(h.GetHold())
	if err != nil {
		return link.Held{}, err
	}
	state, err := enum("a hold's state", int32(h.GetState()), link.Broken+1)
	return link.Held{
		Hold: hold, State: state, Reason: h.GetReason(), Start: h.GetStart(),
		JobTime: hyperscale.JobTime(h.GetJobTimeNs()), Cut: h.GetCut(), Acked: h.GetAcked(),
		Reserve:    link.Reserve{Place: h.GetReservePlace(), Pass: h.GetReservePass()},
		Adjustment: h.GetAdjustment(), Aborted: h.GetAborted(), Epoch: hyperscale.Epoch(h.GetEpoch()), Silence: time.Duration(h.GetSilenceNs()),
		Cancelled: link.Cancelled{By: h.GetCancelled(), Whole: h.GetCancelledWhole()}, Lowered: h.GetLowered(), ForGood: h.GetForGood(), Tenure: hyperscale.Epoch(h.GetTenure()),
	}, err
}

func wireStatement(s link.Statement) *pb.Statement {
	return &pb.Statement{
		Node: string(s.Node), Boot: uint64(s.Boot), Seq: s.Seq, Cores: small(s.Cores), Free: small(s.Free),
		Draining: s.Draining, Stall: s.Stall, Holds: each(s.Holds, wireHeld), Heard: s.Heard, HeardAgoNs: int64(s.HeardAgo),
		Cpu: s.Vitals.CPU, Memory: s.Vitals.Memory, AtNs: int64(s.At),
		Datacenter: valid(s.Datacenter), Capacity: wireCapacityOf(s.Capacity),
		Over: each(s.Over, func(j hyperscale.JobID) string { return string(j) }),
	}
}

func readStatement(s *pb.Statement) (link.Statement, error) {
	holds, err := eachOr(s.GetHolds(), readHeld)
	return link.Statement{
		Node: hyperscale.NodeID(s.GetNode()), Boot: hyperscale.Boot(s.GetBoot()), Seq: s.GetSeq(),
		Cores: count(s.GetCores()), Free: count(s.GetFree()), Draining: s.GetDraining(), Stall: s.GetStall(),
		Holds: holds, Heard: s.GetHeard(), HeardAgo: time.Duration(s.GetHeardAgoNs()), At: time.Duration(s.GetAtNs()),
		Vitals:     link.Vitals{CPU: s.GetCpu(), Memory: s.GetMemory()},
		Datacenter: s.GetDatacenter(), Capacity: readCapacityOf(s.GetCapacity()),
		Over: each(s.GetOver(), func(j string) hyperscale.JobID { return hyperscale.JobID(j) }),
	}, err
}

func wireCapacity(c link.Capacity) *pb.Capacity {
	return &pb.Capacity{
		Cores: small(c.Cores), Free: small(c.Free), Workers: small(c.Workers), Unhealthy: small(c.Unhealthy),
		Managers: small(c.Managers), UnhealthyManagers: small(c.UnhealthyManagers),
		Queued: c.Queued, ExpectedNs: int64(c.Expected), AgeNs: int64(c.Age),
	}
}

func readCapacity(c *pb.Capacity) link.Capacity {
	return link.Capacity{
		Cores: count(c.GetCores()), Free: count(c.GetFree()), Workers: count(c.GetWorkers()), Unhealthy: count(c.GetUnhealthy()),
		Managers: count(c.GetManagers()), UnhealthyManagers: count(c.GetUnhealthyManagers()),
		Queued: max(c.GetQueued(), 0), Expected: max(time.Duration(c.GetExpectedNs()), 0), Age: max(time.Duration(c.GetAgeNs()), 0),
	}
}

func wireCapacityOf(c *link.Capacity) *pb.Capacity {
	if c == nil {
		return nil
	}
	return wireCapacity(*c)
}

func readCapacityOf(c *pb.Capacity) *link.Capacity {
	if c == nil {
		return nil
	}
	capacity := readCapacity(c)
	return &capacity
}

func wireFenced(f link.Fenced) *pb.Fenced {
	return &pb.Fenced{Node: string(f.Node), Job: string(f.Job), Epoch: uint64(f.Epoch), Highest: uint64(f.Highest)}
}

func readFenced(f *pb.Fenced) link.Fenced {
	return link.Fenced{
		Node: hyperscale.NodeID(f.GetNode()), Job: hyperscale.JobID(f.GetJob()),
		Epoch: hyperscale.Epoch(f.GetEpoch()), Highest: hyperscale.Epoch(f.GetHighest()),
	}
}

func wireOrder(o link.Order) *pb.Order {
	return &pb.Order{
		Do: pb.Do(o.Do + 1), Epoch: uint64(o.Epoch), Owner: string(o.Owner), Hold: wireHold(o.Hold), Cores: small(o.Cores),
		Brief: o.Brief, Number: o.Number, AtNs: int64(o.At), InNs: int64(o.In), WithinNs: int64(o.Within), BeginNs: int64(o.Begin),
		Client: valid(o.Client), Proof: wireProof(o.Proof), AutonomyNs: int64(o.Autonomy),
		Phase: valid(string(o.Phase)), Reason: valid(o.Reason),
	}
}

func readOrder(o *pb.Order) (link.Order, error) {
	hold, err := readHold(o.GetHold())
	if err != nil {
		return link.Order{}, err
	}
	do, err := enum("an order", int32(o.GetDo()), link.Adjust+1)
	return link.Order{
		Do: do, Epoch: hyperscale.Epoch(o.GetEpoch()), Owner: hyperscale.NodeID(o.GetOwner()), Hold: hold, Cores: count(o.GetCores()),
		Brief: o.GetBrief(), Number: o.GetNumber(),
		Begin: hyperscale.JobTime(o.GetBeginNs()),
		At:    hyperscale.JobTime(o.GetAtNs()), In: time.Duration(o.GetInNs()), Within: time.Duration(o.GetWithinNs()),
		Client: o.GetClient(), Proof: readProof(o.GetProof()), Autonomy: max(time.Duration(o.GetAutonomyNs()), 0),
		Phase: hyperscale.Phase(o.GetPhase()), Reason: o.GetReason(),
	}, err
}

func wireProof(p *link.Proof) *pb.Proof {
	if p == nil {
		return nil
	}
	return &pb.Proof{Job: string(p.Job), Workflow: valid(p.Workflow), By: valid(p.By), Chain: p.Chain, Signature: p.Signature}
}

func readProof(p *pb.Proof) *link.Proof {
	if p == nil {
		return nil
	}
	return &link.Proof{
		Job: hyperscale.JobID(p.GetJob()), Workflow: p.GetWorkflow(), By: p.GetBy(), Chain: p.GetChain(), Signature: p.GetSignature(),
	}
}

// readLevel takes what it does not know for the strictest: whoever says it is in
// need.
func readLevel(l pb.Level) link.Level {
	if l == pb.Level_LEVEL_UNSPECIFIED {
		return link.Normal
	}
	level, err := enum("a level", int32(l), link.Reject+1)
	if err != nil {
		return link.Reject
	}
	return level
}

func wireParent(p link.Parent) *pb.Parent {
	if p == (link.Parent{}) {
		return nil
	}
	return &pb.Parent{Node: string(p.Node), Address: valid(p.Address)}
}

func readParent(p *pb.Parent) link.Parent {
	return link.Parent{Node: hyperscale.NodeID(p.GetNode()), Address: p.GetAddress()}
}

func wireWord(w link.Word) *pb.Word {
	return &pb.Word{
		Node: string(w.Node), Boot: uint64(w.Boot), Seq: w.Seq, Level: pb.Level(w.Level + 1), Drain: w.Drain, HeardAtNs: int64(w.HeardAt),
		Parents: each(w.Parents, wireParent),
		Owns: each(w.Owns, func(o link.Owned) *pb.Owned {
			return &pb.Owned{Job: string(o.Job), Epoch: uint64(o.Epoch), AgeNs: int64(o.Age)}
		}),
	}
}

func readWord(w *pb.Word) link.Word {
	return link.Word{
		Node: hyperscale.NodeID(w.GetNode()), Boot: hyperscale.Boot(w.GetBoot()), Seq: w.GetSeq(), Level: readLevel(w.GetLevel()), Drain: w.GetDrain(),
		HeardAt: time.Duration(w.GetHeardAtNs()),
		Parents: each(w.GetParents(), readParent),
		Owns: each(w.GetOwns(), func(o *pb.Owned) link.Owned {
			return link.Owned{Job: hyperscale.JobID(o.GetJob()), Epoch: hyperscale.Epoch(o.GetEpoch()), Age: time.Duration(o.GetAgeNs())}
		}),
	}
}

func wireEnding(e *link.Ending) *pb.Ending {
	if e == nil {
		return nil
	}
	return &pb.Ending{
		Failed: e.Failed, Interrupted: e.Interrupted, Reason: valid(e.Reason), NoRows: e.NoRows,
		WaivedNs: int64(e.Waived), StoppedNs: int64(e.Stopped),
		Cancelled: valid(e.Cancelled.By), CancelledWhole: e.Cancelled.Whole,
		Exports: each(e.Exports, func(p hyperscale.Pair) *pb.Export {
			return &pb.Export{Name: valid(p.Name), Value: []byte(p.Value)}
		}),
		Losses: each(e.Losses, func(l link.Loss) *pb.Loss {
			return &pb.Loss{
				Node: valid(l.Node), Workflow: valid(l.Workflow), FromNs: int64(l.From), ToNs: int64(l.To),
				Lost: l.Lost, Missed: l.Missed, Requests: l.Requests,
			}
		}),
	}
}

func readEnding(e *pb.Ending) *link.Ending {
	if e == nil {
		return nil
	}
	return &link.Ending{
		Failed: e.Failed, Interrupted: e.Interrupted, Reason: e.Reason, NoRows: e.NoRows,
		Waived: time.Duration(e.WaivedNs), Stopped: hyperscale.JobTime(e.StoppedNs),
		Cancelled: link.Cancelled{By: e.Cancelled, Whole: e.CancelledWhole},
		Exports: each(e.Exports, func(x *pb.Export) hyperscale.Pair {
			return hyperscale.Pair{Name: x.GetName(), Value: string(x.GetValue())}
		}),
		Losses: each(e.Losses, func(l *pb.Loss) link.Loss {
			return link.Loss{
				Node: l.GetNode(), Workflow: l.GetWorkflow(), From: hyperscale.JobTime(l.GetFromNs()), To: hyperscale.JobTime(l.GetToNs()),
				Lost: l.GetLost(), Missed: l.GetMissed(), Requests: l.GetRequests(),
			}
		}),
	}
}

func wireDelivery(d link.Delivery) *pb.Delivery {
	return &pb.Delivery{Hold: wireHold(d.Hold), Start: d.Start, Window: d.Window, Ending: wireEnding(d.Ending)}
}

func readDelivery(d *pb.Delivery) (link.Delivery, error) {
	hold, err := readHold(d.GetHold())
	return link.Delivery{Hold: hold, Start: d.GetStart(), Window: d.GetWindow(), Ending: readEnding(d.GetEnding())}, err
}

func wireReceipt(r link.Receipt) *pb.Receipt {
	return &pb.Receipt{
		Hold: wireHold(r.Hold), Seq: r.Seq, Again: r.Again, Unknown: r.Unknown, Broken: r.Broken, Epoch: uint64(r.Epoch),
		Level: pb.Level(r.Level + 1), Owner: wireParent(r.Owner), DelayNs: int64(r.Delay),
		ReservePlace: r.Reserve.Place, ReservePass: r.Reserve.Pass,
	}
}

func readReceipt(r *pb.Receipt) (link.Receipt, error) {
	hold, err := readHold(r.GetHold())
	return link.Receipt{
		Hold: hold, Seq: r.GetSeq(), Again: r.GetAgain(), Unknown: r.GetUnknown(), Broken: r.GetBroken(), Epoch: hyperscale.Epoch(r.GetEpoch()),
		Level: readLevel(r.GetLevel()), Owner: readParent(r.GetOwner()), Delay: time.Duration(r.GetDelayNs()),
		Reserve: link.Reserve{Place: r.GetReservePlace(), Pass: r.GetReservePass()},
	}, err
}

func wireUp(u link.Up) (*pb.AttachRequest, error) {
	switch u := u.(type) {
	case link.Statement:
		return &pb.AttachRequest{Said: &pb.AttachRequest_Statement{Statement: wireStatement(u)}}, nil
	case link.Fenced:
		return &pb.AttachRequest{Said: &pb.AttachRequest_Fenced{Fenced: wireFenced(u)}}, nil
	}
	return nil, fmt.Errorf("a %T does not travel on the stream of beats", u)
}

func readUp(r *pb.AttachRequest) (link.Up, error) {
	switch {
	case r.GetStatement() != nil:
		return readStatement(r.GetStatement())
	case r.GetFenced() != nil:
		return readFenced(r.GetFenced()), nil
	}
	return nil, unknownSaying("a child")
}

func wireDown(d link.Down) (*pb.AttachResponse, error) {
	switch d := d.(type) {
	case link.Word:
		return &pb.AttachResponse{Said: &pb.AttachResponse_Word{Word: wireWord(d)}}, nil
	case link.Order:
		return &pb.AttachResponse{Said: &pb.AttachResponse_Order{Order: wireOrder(d)}}, nil
	}
	return nil, fmt.Errorf("a %T does not travel on the stream of beats", d)
}

func readDown(r *pb.AttachResponse) (link.Down, error) {
	switch {
	case r.GetWord() != nil:
		return readWord(r.GetWord()), nil
	case r.GetOrder() != nil:
		return readOrder(r.GetOrder())
	}
	return nil, unknownSaying("a parent")
}

// unknownSaying is of a message without anything in it that is known here.
func unknownSaying(who string) error {
	return Errorf(Unsupported, "%s said what is not known here: the other side may be newer", who)
}
