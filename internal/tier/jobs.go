package tier

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/place"
	"hyperscale/internal/reporter/sink"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/spec"
	"hyperscale/internal/store"
	"hyperscale/internal/tier/seat"
)

// newJobID names a job by the time, for people, and by chance.
func newJobID(now time.Time) hyperscale.JobID {
	return hyperscale.JobID(now.UTC().Format("20060102-150405-") + strings.ToLower(rand.Text()[:6]))
}

// clientOf is whose a submission is: the same name is the same client.
func clientOf(who rpc.Caller) string {
	if who.Role != identity.Client {
		return who.Who() // it hands on what a client asked of it
	}
	return who.Tenant + "/" + who.Name
}

// front is what a node does for those who use its cluster.
type front struct{ *Tier }

// Submit makes a job, owned here.
func (t front) Submit(ctx context.Context, who rpc.Caller, s rpc.Submission) (rpc.Accepted, error) {
	o := t.inside.Load()
	if o == nil || t.draining.Load() {
		return rpc.Accepted{}, &rpc.Error{Kind: rpc.Unavailable, Text: string(t.cfg.Role) + " " + string(t.cfg.Self) + " takes no jobs now; ask another", Undone: true}
	}
	plan, _, err := spec.Decode(s.Spec)
	if err != nil {
		return rpc.Accepted{}, rpc.InvalidField("spec", "%v", err)
	}
	if err := t.assignable(s.Spec); err != nil {
		return rpc.Accepted{}, err
	}
	if err := t.cfg.fits(plan, s.Cores, *t.room.Load()); err != nil {
		return rpc.Accepted{}, err
	}
	if err := t.cfg.spreads(s.Across, plan); err != nil {
		return rpc.Accepted{}, err
	}
	if _, err := sink.Parse(s.Reporters); err != nil {
		return rpc.Accepted{}, rpc.InvalidField("reporters", "%v", err)
	}
	text, err := json.Marshal(options{
		Priority: s.Priority, Exclusive: s.Exclusive, Cores: s.Cores, OneHolder: s.OneHolder, Deadline: s.Deadline, Tags: s.Tags, Reporters: s.Reporters,
		Across: s.Across,
	})
	if err != nil {
		return rpc.Accepted{}, err
	}
	name := s.Name
	if name == "" {
		name = plan.Name
	}
	now := time.Now()
	accepted, err := o.submitter.Submit(ctx, own.Submission{
		Key: s.Key, Job: newJobID(now), Content: s.Spec,
		Origin: own.Origin{Name: name, Client: clientOf(who), Priority: priorityName(s.Priority), Options: text, Submitted: now.UTC()},
		Event:  hyperscale.Event{What: "accepted", Node: t.cfg.Self, Detail: "submitted by " + clientOf(who)},
	})
	if err != nil {
		return rpc.Accepted{}, explain(err)
	}
	t.log.Info("audit", "what", "submit", "job", accepted.Job, "client", clientOf(who), "from", who.Address, "again", accepted.Tenure == nil)
	if accepted.Tenure == nil {
		owner, _ := t.registry.ownerOf(accepted.Job)
		return rpc.Accepted{Job: accepted.Job, Owner: owner.Node, Address: t.registry.parent(owner.Node).Address, Epoch: owner.Epoch, Again: true}, nil
	}
	saved := own.Saved{Job: accepted.Job, Head: accepted.Tenure.Head()}
	if err := o.run(accepted.Tenure, saved); err != nil {
		return rpc.Accepted{}, explain(err)
	}
	return rpc.Accepted{Job: accepted.Job, Owner: t.cfg.Self, Address: t.cfg.Address, Epoch: 1}, nil
}

// spreads refuses what is said of datacenters where there are none to choose from, and
// a load that is to be run by each of several and can't be.
func (c Config) spreads(a hyperscale.Across, plan *hyperscale.Plan) error {
	switch {
	case a.None():
		return nil
	case c.Role == identity.Gate && a.Spread != hyperscale.SpreadReplicate:
		return nil
	case c.Role == identity.Gate && a.Copies() == 0:
		return rpc.InvalidField("spread", "each datacenter is to run the whole load, and it is not said how many they are; name them (--datacenters), or say how many (--count)")
	case c.Role == identity.Gate && a.AllowPartial:
		return rpc.InvalidField("allow-partial", "each of %d datacenters is to run the whole load; with fewer it would be another load; leave --allow-partial out, or ask for fewer", a.Copies())
	case c.Role == identity.Gate:
		if why := job.Copyable(plan); why != "" {
			return rpc.InvalidField("spread", "several datacenters can't run all of it each: %s; divide it (--spread split)", why)
		}
		return nil
	}
	return rpc.InvalidField("across", "how a job runs over datacenters (--datacenters, --count, --spread, --on-datacenter-loss, --allow-partial, --fail-fast) "+
		"is for gates, and %s is a %s of datacenter %s alone; submit it to a gate, or leave that out", c.Self, c.Role, c.Datacenter)
}

// fits refuses what the children could never hold together, as the placer reckons it, or
// as its submitter does who names the cores. While there are none nobody knows: they
// may come.
func (c Config) fits(plan *hyperscale.Plan, cores int, room seat.Room) error {
	if room.Cores == 0 {
		return nil
	}
	if cores > room.Cores {
		return rpc.InvalidField("cores", "%d are asked for, and %s", cores, c.have(room))
	}
	if cores > 0 {
		return nil
	}
	first := 0
	for _, w := range plan.Workflows {
		need := place.Need(w)
		if need > room.Cores {
			return c.tooFew("workflow "+w.Name+" needs", need, room)
		}
		if len(w.After) == 0 {
			first += need
		}
	}
	if first > room.Cores {
		return c.tooFew("the workflows that begin together need", first, room)
	}
	return nil
}

// tooFew says that a load needs more cores than there are.
func (c Config) tooFew(what string, need int, room seat.Room) error {
	return rpc.InvalidField("spec", "%s about %d cores, and %s (%s); cores that are named, as by --cores %d, are taken as they are",
		what, need, c.have(room), place.Reckoned, room.Cores)
}

func priorityName(p link.Priority) string {
	return map[link.Priority]string{
		link.PriorityNormal: "normal", link.PriorityHigh: "high", link.PriorityLow: "low", link.PriorityAuto: "auto",
	}[p]
}

// explain puts errors of the store into the kinds that callers know.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, own.ErrInvalid), errors.Is(err, store.ErrTooLarge):
		return rpc.Errorf(rpc.Invalid, "%v", err)
	case errors.Is(err, own.ErrNotFound):
		return rpc.Errorf(rpc.NotFound, "%v", err)
	case errors.Is(err, store.ErrFull):
		return &rpc.Error{Kind: rpc.Overloaded, Text: err.Error(), Retry: 10 * time.Second}
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, own.ErrNoSession):
		return rpc.Errorf(rpc.Unavailable, "%v; ask again", err)
	}
	return err
}

// noJob says that there is no such job, if that is what an error means.
func noJob(err error, job hyperscale.JobID) error {
	if errors.Is(err, own.ErrNotFound) {
		return rpc.Errorf(rpc.NotFound, "there is no job %s; a day after their end jobs are forgotten", job)
	}
	return explain(err)
}

// Get tells how a job fares.
func (t front) Get(ctx context.Context, _ rpc.Caller, job hyperscale.JobID) (rpc.Status, error) {
	saved, err := own.Look(ctx, t.deps.Store, job)
	if err != nil {
		return rpc.Status{}, noJob(err, job)
	}
	status := t.statusOf(job, saved.Head, saved.Owner)
	if d := t.registry.desk(job); d != nil {
		_ = d.ask(ctx, func() { d.describe(&status) })
		return status, nil
	}
	switch {
	case saved.Head.Phase.Terminal():
		t.describeEnded(ctx, &status)
	case saved.Owner.Node != "" && saved.Owner.Node != t.cfg.Self:
		return status, t.registry.notOwner(job)
	}
	return status, nil
}

// statusOf is how a job fares as far as its head tells.
func (t front) statusOf(job hyperscale.JobID, h own.Head, o own.Owner) rpc.Status {
	var how options
	_ = json.Unmarshal(h.Options, &how) // who runs the job says what is wrong with them
	return rpc.Status{
		Job: job, Name: h.Name, Phase: h.Phase, Reason: h.Reason, Owner: o.Node, Address: t.registry.parent(o.Node).Address,
		Epoch: o.Epoch, Submitted: h.Submitted, Percent: h.Percent, Tags: how.Tags,
	}
}

// ask runs a function in the job's goroutine.
func (d *desk) ask(ctx context.Context, f func()) error {
	done := make(chan struct{})
	d.in.Put(func() { f(); close(done) })
	select {
	case <-done:
		return nil
	case <-d.hub.done:
		return rpc.Errorf(rpc.Unavailable, "job %s changes its owner", d.job)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// describe fills in what the owner knows beside what the head says: of the phase and the
// percentage nothing is told that is not saved.
func (d *desk) describe(s *rpc.Status) {
	if waits := d.seat.Owner().Waiting().String(); waits != "" {
		s.Reason = waits
	}
	if unknown := d.seat.Owner().Unknown(); unknown != "" {
		s.Reason = unknown
	}
	s.Elapsed, s.Totals = d.seat.Owner().Elapsed(), totalsOf(d.seat.Owner().Counts())
	for _, w := range d.seat.Owner().Standing() {
		s.Workflows = append(s.Workflows, rpc.WorkflowStatus{
			Name: w.Name, Phase: w.Phase, Percent: 100 * w.Done, Cores: w.Cores, Totals: totalsOf(w.Counts), Waiting: w.Waits,
		})
	}
}

func totalsOf(c owner.Counts) rpc.Totals {
	s, r := c.Slots, c.Requests
	return rpc.Totals{
		Due: int64(s.Due), Missed: int64(s.Missed), Started: int64(s.Started), Completed: int64(s.Completed),
		Failed: int64(s.Failed), Interrupted: int64(s.Interrupted), Lost: int64(s.Lost),
		Requests: rpc.RequestTotals{
			Started: int64(r.Started), OK: int64(r.OK), Failed: int64(r.Failed), TimedOut: int64(r.TimedOut),
			Cancelled: int64(r.Cancelled), Lost: int64(r.Lost),
		},
	}
}

// describeEnded fills in what the result of a job that has ended tells. One without
// a result, or whose result went before its head, stays as it is.
func (t front) describeEnded(ctx context.Context, s *rpc.Status) {
	saved, err := own.Load(ctx, t.deps.Store, s.Job)
	if err != nil || len(saved.Records) == 0 {
		return
	}
	content, err := own.Spec(ctx, t.deps.Store, saved.Head.Spec)
	if err != nil {
		return
	}
	plan, _, err := spec.Decode(content)
	if err != nil {
		return
	}
	result, _, err := seat.Result(plan, s.Job, saved)
	if err != nil {
		return
	}
	s.Elapsed, s.Totals = result.Elapsed, totalsOf(owner.CountsOf(result.Tally, ""))
	for _, w := range result.Workflows {
		ws := rpc.WorkflowStatus{Name: w.Name, Phase: w.Phase, Totals: totalsOf(owner.CountsOf(result.Tally, w.Name))}
		if w.Phase == hyperscale.Completed {
			ws.Percent = 100
		}
		s.Workflows = append(s.Workflows, ws)
	}
}

// List tells of the jobs that are remembered, the newest first.
func (t front) List(ctx context.Context, _ rpc.Caller, q rpc.Query) ([]rpc.Status, error) {
	heads, err := own.Heads(ctx, t.deps.Store)
	if err != nil {
		return nil, explain(err)
	}
	var list []rpc.Status
	for i := len(heads) - 1; i >= 0; i-- {
		h := heads[i]
		if q.Active && h.Head.Phase.Terminal() {
			continue
		}
		o, _ := t.registry.ownerOf(h.Job)
		list = append(list, t.statusOf(h.Job, h.Head, o))
		if q.Limit > 0 && len(list) == q.Limit {
			break
		}
	}
	return list, nil
}

// Adjust changes the load of a running workflow.
func (t front) Adjust(ctx context.Context, who rpc.Caller, job hyperscale.JobID, key string, a hyperscale.Adjustment) (hyperscale.Adjustment, error) {
	t.log.Info("audit", "what", "adjust", "job", job, "workflow", a.Workflow, "do", a.Do, "client", clientOf(who), "from", who.Address)
	if d := t.registry.desk(job); d != nil {
		return d.adjust(ctx, who, key, a)
	}
	saved, err := own.Look(ctx, t.deps.Store, job)
	switch {
	case err != nil:
		return a, noJob(err, job)
	case saved.Head.Phase.Terminal():
		return a, rpc.Errorf(rpc.Conflict, "job %s has ended: it is %s", job, saved.Head.Phase)
	}
	return a, t.registry.notOwner(job)
}

// adjust gives the wish to the owner and waits until it is written down.
func (d *desk) adjust(ctx context.Context, who rpc.Caller, key string, a hyperscale.Adjustment) (hyperscale.Adjustment, error) {
	if err := spec.Fits(d.plan, a); err != nil {
		return a, rpc.InvalidField("adjustment", "%v", err)
	}
	answer := make(chan owner.Adjusted, 1)
	err := d.ask(ctx, func() {
		d.asked.token++
		d.asked.adjusts[d.asked.token] = answer
		d.step(owner.Adjust{Token: d.asked.token, Key: clientOf(who) + "/" + key, By: clientOf(who), Adjustment: a})
	})
	if err != nil {
		return a, err
	}
	select {
	case said, ok := <-answer:
		switch {
		case !ok:
			return a, rpc.Errorf(rpc.Unavailable, "job %s changes its owner; ask again", d.job)
		case said.Refused != "":
			return a, rpc.Errorf(rpc.Conflict, "%s", said.Refused)
		}
		return said.Adjustment, nil
	case <-ctx.Done():
		return a, ctx.Err()
	}
}

// Result gives what a job that has ended came to.
func (t front) Result(ctx context.Context, _ rpc.Caller, job hyperscale.JobID) ([]byte, error) {
	saved, err := own.Load(ctx, t.deps.Store, job)
	switch {
	case err != nil:
		return nil, noJob(err, job)
	case !saved.Head.Phase.Terminal():
		return nil, rpc.Errorf(rpc.Conflict, "job %s has not ended: it is %s", job, saved.Head.Phase)
	case len(saved.Records) == 0:
		return nil, rpc.Errorf(rpc.NotFound, "job %s ended %s without a result: %s", job, saved.Head.Phase, saved.Head.Reason)
	}
	content, err := own.Spec(ctx, t.deps.Store, saved.Head.Spec)
	if err != nil {
		return nil, noJob(err, job)
	}
	plan, _, err := spec.Decode(content)
	if err != nil {
		return nil, err
	}
	_, text, err := seat.Result(plan, job, saved)
	if err != nil {
		return nil, err
	}
	return joinResult(content, text), nil
}

// joinResult puts a result and the spec of its job into one.
func joinResult(content, result []byte) []byte {
	b := fmt.Appendf(nil, "%016x", len(content))
	return append(append(b, content...), result...)
}
