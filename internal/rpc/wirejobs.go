package rpc

import (
	"fmt"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	pb "hyperscale/internal/rpc/hyperscalev1"
)

func wireHeader(s Submission) *pb.SubmitHeader {
	return &pb.SubmitHeader{
		Key: valid(s.Key), Name: valid(s.Name), Priority: pb.Priority(s.Priority + 1), Exclusive: s.Exclusive, Cores: small(s.Cores),
		DeadlineNs: int64(s.Deadline), Tags: each(s.Tags, wirePair), Size: uint64(len(s.Spec)),
		OneHolder: s.OneHolder, Reporters: each(s.Reporters, valid), Across: wireAcross(s.Across),
	}
}

// readHeader gives the submission without its bytes, and how many will follow.
func readHeader(h *pb.SubmitHeader) (Submission, uint64, error) {
	s := Submission{Key: h.GetKey(), Name: h.GetName(), Options: Options{
		Priority: readPriority(h.GetPriority()), Exclusive: h.GetExclusive(), Cores: int(h.GetCores()),
		Deadline: time.Duration(h.GetDeadlineNs()), Tags: each(h.GetTags(), readPair),
		OneHolder: h.GetOneHolder(), Reporters: h.GetReporters(), Across: readAcross(h.GetAcross()),
	}}
	return s, h.GetSize(), checkSubmission(s, h.GetSize())
}

// checkSubmission lists all that is wrong with a submission but its bytes.
func checkSubmission(s Submission, size uint64) error {
	if size > MaxWhole {
		return tooLarge("the plan with its data", "spec", int64(min(size, 1<<62)), MaxWhole, remedyPlan)
	}
	var faults []Fault
	bad := func(wrong bool, field, format string, args ...any) {
		if wrong {
			faults = append(faults, Fault{field, fmt.Sprintf(format, args...)})
		}
	}
	bad(s.Key == "", "key", "a submission needs one, so that it may be made again safely")
	bad(len(s.Key) > MaxKey, "key", "%d bytes; at most %d", len(s.Key), MaxKey)
	bad(len(s.Name) > MaxName, "name", "%d bytes; at most %d", len(s.Name), MaxName)
	bad(s.Priority < link.PriorityNormal || s.Priority > link.PriorityAuto, "priority", "there is no priority number %d", s.Priority)
	bad(s.Cores < 0, "cores", "%d is below zero", s.Cores)
	bad(s.Deadline < 0, "deadline", "%s is below zero", s.Deadline)
	bad(len(s.Tags) > MaxTags, "tags", "%d; at most %d", len(s.Tags), MaxTags)
	for i, tag := range s.Tags {
		n := len(tag.Name) + len(tag.Value)
		bad(n > MaxName, fmt.Sprintf("tags[%d]", i), "%d bytes; at most %d", n, MaxName)
	}
	bad(len(s.Reporters) > MaxReporters, "reporters", "%d; at most %d", len(s.Reporters), MaxReporters)
	for i, text := range s.Reporters {
		bad(len(text) > MaxAddress, fmt.Sprintf("reporters[%d]", i), "%d bytes; at most %d", len(text), MaxAddress)
	}
	badAcross(s.Across, bad)
	bad(size == 0, "spec", "nothing is handed in")
	if faults != nil {
		return &Error{Kind: Invalid, Faults: faults}
	}
	return nil
}

func wireAccepted(a Accepted) *pb.SubmitResponse {
	return &pb.SubmitResponse{Job: string(a.Job), Owner: string(a.Owner), OwnerAddress: valid(a.Address), Epoch: uint64(a.Epoch), Again: a.Again}
}

func readAccepted(a *pb.SubmitResponse) Accepted {
	return Accepted{
		Job: hyperscale.JobID(a.GetJob()), Owner: hyperscale.NodeID(a.GetOwner()), Address: a.GetOwnerAddress(),
		Epoch: hyperscale.Epoch(a.GetEpoch()), Again: a.GetAgain(),
	}
}

func wireTotals(t Totals) *pb.Totals {
	if t == (Totals{}) {
		return nil
	}
	r := t.Requests
	return &pb.Totals{
		Due: t.Due, Missed: t.Missed, Started: t.Started, Completed: t.Completed, Failed: t.Failed, Interrupted: t.Interrupted, Lost: t.Lost,
		Requests: r.Started, RequestsOk: r.OK, RequestsFailed: r.Failed, RequestsTimedOut: r.TimedOut, RequestsCancelled: r.Cancelled, RequestsLost: r.Lost,
	}
}

func readTotals(t *pb.Totals) Totals {
	return Totals{
		Due: t.GetDue(), Missed: t.GetMissed(), Started: t.GetStarted(), Completed: t.GetCompleted(),
		Failed: t.GetFailed(), Interrupted: t.GetInterrupted(), Lost: t.GetLost(),
		Requests: RequestTotals{
			Started: t.GetRequests(), OK: t.GetRequestsOk(), Failed: t.GetRequestsFailed(), TimedOut: t.GetRequestsTimedOut(),
			Cancelled: t.GetRequestsCancelled(), Lost: t.GetRequestsLost(),
		},
	}
}

func wireWaiting(w link.Waiting) *pb.Waiting {
	if w == (link.Waiting{}) {
		return nil
	}
	return &pb.Waiting{Why: valid(w.Why), Position: small(w.Position), ExpectedNs: int64(w.Expected)}
}

func readWaiting(w *pb.Waiting) link.Waiting {
	return link.Waiting{Why: w.GetWhy(), Position: count(w.GetPosition()), Expected: time.Duration(w.GetExpectedNs())}
}

func wireStatus(s Status) *pb.JobStatus {
	return &pb.JobStatus{
		Job: string(s.Job), Name: valid(s.Name), Phase: string(s.Phase), Reason: valid(s.Reason), Owner: string(s.Owner), OwnerAddress: valid(s.Address),
		Epoch: uint64(s.Epoch), SubmittedUnixNs: wireTime(s.Submitted), ElapsedNs: int64(s.Elapsed), Percent: s.Percent, Totals: wireTotals(s.Totals),
		Tags: each(s.Tags, wirePair),
		Workflows: each(s.Workflows, func(w WorkflowStatus) *pb.WorkflowStatus {
			return &pb.WorkflowStatus{Name: valid(w.Name), Phase: string(w.Phase), Percent: w.Percent, Cores: small(w.Cores), Totals: wireTotals(w.Totals), Waiting: wireWaiting(w.Waiting)}
		}),
	}
}

func readStatus(s *pb.JobStatus) Status {
	return Status{
		Job: hyperscale.JobID(s.GetJob()), Name: s.GetName(), Phase: hyperscale.Phase(s.GetPhase()), Reason: s.GetReason(),
		Owner: hyperscale.NodeID(s.GetOwner()), Address: s.GetOwnerAddress(), Epoch: hyperscale.Epoch(s.GetEpoch()),
		Submitted: readTime(s.GetSubmittedUnixNs()), Elapsed: hyperscale.JobTime(s.GetElapsedNs()), Percent: s.GetPercent(), Totals: readTotals(s.GetTotals()),
		Tags: each(s.GetTags(), readPair),
		Workflows: each(s.GetWorkflows(), func(w *pb.WorkflowStatus) WorkflowStatus {
			return WorkflowStatus{Name: w.GetName(), Phase: hyperscale.Phase(w.GetPhase()), Percent: w.GetPercent(), Cores: count(w.GetCores()), Totals: readTotals(w.GetTotals()), Waiting: readWaiting(w.GetWaiting())}
		}),
	}
}

func wireEvent(e hyperscale.Event) *pb.Event {
	return &pb.Event{
		Seq: e.Seq, AtNs: int64(e.At), WallUnixNs: wireTime(e.Wall), Epoch: uint64(e.Epoch),
		What: valid(e.What), Workflow: valid(e.Workflow), Node: string(e.Node), Detail: valid(e.Detail),
	}
}

func readEvent(e *pb.Event) hyperscale.Event {
	return hyperscale.Event{
		Seq: e.GetSeq(), At: hyperscale.JobTime(e.GetAtNs()), Wall: readTime(e.GetWallUnixNs()), Epoch: hyperscale.Epoch(e.GetEpoch()),
		What: e.GetWhat(), Workflow: e.GetWorkflow(), Node: hyperscale.NodeID(e.GetNode()), Detail: e.GetDetail(),
	}
}

func wireUpdate(u Update) (*pb.Update, error) {
	switch u := u.(type) {
	case Happened:
		return &pb.Update{Update: &pb.Update_Event{Event: wireEvent(u.Event)}}, nil
	case Live:
		return &pb.Update{Update: &pb.Update_Live{Live: &pb.Live{Progress: u.Progress}}}, nil
	case Window:
		return &pb.Update{Update: &pb.Update_Window{Window: &pb.Window{Data: u.Data}}}, nil
	case Snapshot:
		return &pb.Update{Update: &pb.Update_Snapshot{Snapshot: &pb.Snapshot{Status: wireStatus(u.Status), Truncated: u.Truncated}}}, nil
	}
	return nil, fmt.Errorf("watchers do not hear a %T", u)
}

func readUpdate(u *pb.Update) (Update, error) {
	switch u := u.GetUpdate().(type) {
	case *pb.Update_Event:
		return Happened{readEvent(u.Event)}, nil
	case *pb.Update_Live:
		return Live{u.Live.GetProgress()}, nil
	case *pb.Update_Window:
		return Window{u.Window.GetData()}, nil
	case *pb.Update_Snapshot:
		return Snapshot{readStatus(u.Snapshot.GetStatus()), u.Snapshot.GetTruncated()}, nil
	}
	return nil, unknownSaying("the job's owner")
}

// cancelStatuses and adjustKinds are in the order of their numbers on the wire,
// which count from 1.
var (
	cancelStatuses = []CancelStatus{CancelledNow, PendingCancelled, AlreadyCancelled, AlreadyCompleted, NothingToCancel}
	adjustKinds    = []hyperscale.AdjustKind{hyperscale.AdjustRate, hyperscale.AdjustVUs, hyperscale.AdjustPause, hyperscale.AdjustResume}
)

func wireCancelStatus(s CancelStatus) *pb.CancelResponse {
	return &pb.CancelResponse{Status: pb.CancelStatus(slices.Index(cancelStatuses, s) + 1)}
}

func readCancelStatus(r *pb.CancelResponse) (CancelStatus, error) {
	i, err := enum("a cancel status", int32(r.GetStatus()), len(cancelStatuses))
	if err != nil {
		return "", err
	}
	return cancelStatuses[i], nil
}

func wireAdjustment(a hyperscale.Adjustment) *pb.Adjustment {
	return &pb.Adjustment{
		Number: a.Number, Workflow: valid(a.Workflow), AtNs: int64(a.At),
		Kind: pb.AdjustKind(slices.Index(adjustKinds, a.Do) + 1), Rate: int64(a.Rate), Vus: a.VUs,
	}
}

func readAdjustment(a *pb.Adjustment) (hyperscale.Adjustment, error) {
	i, err := enum("an adjustment", int32(a.GetKind()), len(adjustKinds))
	if err != nil {
		return hyperscale.Adjustment{}, err
	}
	return hyperscale.Adjustment{
		Number: a.GetNumber(), Workflow: a.GetWorkflow(), At: hyperscale.JobTime(a.GetAtNs()),
		Do: adjustKinds[i], Rate: hyperscale.Rate(a.GetRate()), VUs: a.GetVus(),
	}, nil
}

func wireMember(m Member) *pb.Member {
	return &pb.Member{
		Node: string(m.Node), Boot: uint64(m.Boot), Role: m.Role, Datacenter: m.Datacenter, Address: valid(m.Address), Version: valid(m.Version),
		State: m.State, Cores: small(m.Cores), Free: small(m.Free), JobsOwned: small(m.JobsOwned), StoreLeader: m.StoreLeader,
	}
}

func readMember(m *pb.Member) Member {
	return Member{
		Node: hyperscale.NodeID(m.GetNode()), Boot: hyperscale.Boot(m.GetBoot()), Role: m.GetRole(), Datacenter: m.GetDatacenter(),
		Address: m.GetAddress(), Version: m.GetVersion(), State: m.GetState(), Cores: count(m.GetCores()), Free: count(m.GetFree()),
		JobsOwned: count(m.GetJobsOwned()), StoreLeader: m.GetStoreLeader(),
	}
}
