package sim

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/stats"
	"hyperscale/internal/store"
	"hyperscale/internal/tier/node"
	"hyperscale/internal/tier/seat"
)

// chair is a job that a manager owns: its seat, and what it is written with.
type chair struct {
	m      *manager
	job    hyperscale.JobID
	seat   *seat.Seat
	tenure *own.Tenure
	wake   time.Duration
	asks   map[uint64]func(owner.Effect)
	token  uint64
	saves  []owner.Save // to be written, in order: one, unless sabotaged
	last   map[link.Hold]uint64
	cord   *cord         // to the parent; nil: none
	later  []func()      // what waits for a save, if that was sabotaged
	begun  bool          // the job goes on …
	over   time.Duration // … and did so until then
}

// office is what a manager does with the jobs that it owns, or might.
type office struct{ *manager }

// sit makes this manager act as owner of a job.
func (m office) sit(job hyperscale.JobID, tenure *own.Tenure, saved own.Saved) {
	w := m.w
	if m.seats[job] != nil {
		panic("sim: two owners of one job in one manager")
	}
	t := w.jobs[job]
	as := owner.Config{Job: job, Self: m.id, Epoch: tenure.Epoch(), Plan: t.plan, Parent: w.above.parentOf(t), OneHolder: t.single}
	cfg := seat.Config{Job: job, Epoch: tenure.Epoch(), Plan: t.plan, Brief: briefOf(t.plan)}
	s, err := seat.Open(cfg, as, saved)
	if err != nil {
		w.fail("%s can't read %s: %v", m.id, job, err)
		return
	}
	w.say("%s owns %s under epoch %d", m.id, job, tenure.Epoch())
	t.owned(w, m.manager, tenure)
	t.readBy(w, m.manager, s.Owner())
	c := &chair{m: m.manager, job: job, seat: s, tenure: tenure, asks: map[uint64]func(owner.Effect){}}
	m.seats[job] = c
	holders := s.Owner().Holders()
	m.post(func() {
		m.step(node.JobHere{Job: job, Epoch: tenure.Epoch(), Holders: holders, Led: as.Parent != nil})
		c.stepNow(owner.Begin{})
		w.above.attach(c)
	})
}

// stand gives a job up.
func (m office) stand(job hyperscale.JobID) {
	if m.seats[job] == nil {
		return
	}
	m.w.say("%s stops acting for %s", m.id, job)
	delete(m.seats, job)
	m.budget.Gone(job)
	m.step(node.JobGone{Job: job})
}

// heardTop takes in that the gate is there.
func (c *chair) heardTop() {
	c.step(owner.TopHeard{})
	c.m.step(node.JobTop{Job: c.job})
}

// tick lets time pass.
func (c *chair) tick() { c.step(owner.Tick{}) }

// step gives the owner an event and does what follows.
func (c *chair) step(ev owner.Event) { c.m.post(func() { c.stepNow(ev) }) }

func (c *chair) stepNow(ev owner.Event) {
	m := c.m
	if m.seats[c.job] != c {
		return
	}
	tell, do := c.seat.Step(m.mono(), ev)
	if changed := c.seat.Want(office{m}.room()); changed != nil {
		tell = append(tell, *changed)
	}
	if begun := c.seat.Owner().Begun(); begun || c.begun {
		c.begun, c.over = begun, m.w.now
	}
	for _, e := range tell {
		m.w.jobs[c.job].wishes.heed(m.w, e)
		say := func() {
			if m.seats[c.job] == c {
				m.step(e)
			}
		}
		if !c.withhold(say) {
			say()
		}
	}
	for _, e := range do {
		if m.seats[c.job] != c {
			return
		}
		c.effect(e)
	}
	if next := c.seat.Owner().Next(); m.seats[c.job] == c && next != c.wake {
		c.wake = next
		m.at(m.until(next), func() {
			if m.seats[c.job] == c && c.wake == next {
				c.wake = 0
				c.tick()
			}
		})
	}
}

func (m office) room() seat.Room {
	workers, cores := m.node.Room()
	return seat.Room{Workers: workers, Cores: cores}
}

func (c *chair) effect(e owner.Effect) {
	switch e := e.(type) {
	case owner.Save:
		c.save(e)
		return
	case owner.Deliver:
		c.cord.up(e.Delivery)
		return
	}
	if !c.withhold(func() { c.say(e) }) {
		c.say(e)
	}
}

// say does what follows from what is saved.
func (c *chair) say(e owner.Effect) {
	switch e := e.(type) {
	case owner.Acknowledge:
		c.m.w.jobs[c.job].acknowledged(e.Receipt)
		c.m.step(node.JobAnswers{Job: c.job, To: e.To, Receipt: e.Receipt})
	case owner.Answer:
		c.reply(e.Token, e)
	case owner.Adjusted:
		c.reply(e.Token, e)
	case owner.Show:
		c.m.w.jobs[c.job].shown(c.m.w, c.tenure.Epoch(), e)
	case owner.Over:
		c.m.w.say("%s is done with %s: %s", c.m.id, c.job, e.Phase)
		office{c.m}.stand(c.job)
	}
}

// reply answers who asked.
func (c *chair) reply(token uint64, e owner.Effect) {
	if reply := c.asks[token]; reply != nil {
		delete(c.asks, token)
		reply(e)
	}
}

// save writes down what the owner wants written.
func (c *chair) save(save owner.Save) {
	m := c.m
	for _, ev := range save.Events {
		m.w.say("%s %s event %q %s %s %s", m.id, c.job, ev.What, ev.Workflow, ev.Node, ev.Detail)
	}
	if save.Result != nil {
		m.w.jobs[c.job].decided(cmp.Or(c.over, m.w.now), c.tenure.Epoch(), c.seat.Owner())
	}
	c.saves = append(c.saves, save)
	if len(c.saves) == 1 {
		c.write(save)
	}
	if c.early(save) {
		c.step(owner.Saved{Number: save.Number, Every: m.budget.Every()})
	}
}

// write writes one save, and those that came meanwhile.
func (c *chair) write(save owner.Save) {
	m := c.m
	m.store.begin(func(ctx context.Context) {
		if m.w.cfg.Sabotage == SentBeforeSaved && m.store.sleep(ctx, 300*time.Millisecond) != nil {
			return // it is late to what was sent
		}
		err := seat.Write(ctx, c.tenure, save, seat.Beside{}, m.wall(), m.store.sleep)
		if m.seats[c.job] != c {
			return
		}
		if err != nil {
			m.w.say("%s can't save %s: %v", m.id, c.job, err)
			if !errors.Is(err, own.ErrFenced) {
				m.w.fail("%s can't save %s: %v", m.id, c.job, err)
			}
			m.w.saw("fenced")
			office{m}.stand(c.job)
			return
		}
		if c.saves = c.saves[1:]; len(c.saves) > 0 {
			c.write(c.saves[0])
		} else {
			later := c.later
			c.later = nil
			for _, do := range later {
				m.post(do)
			}
		}
		every := m.budget.Saved(c.job, save)
		if every > time.Second {
			m.w.saw("saves further apart")
		}
		c.step(owner.Saved{Number: save.Number, Every: every})
	})
}

// briefOf is what an engine is given here: what the owner says, as it is.
func briefOf(plan *hyperscale.Plan) func(*owner.Prepare, int) ([]byte, error) {
	return func(p *owner.Prepare, cores int) ([]byte, error) {
		return json.Marshal(brief{Prepare: *p, Cores: cores, Source: hyperscale.NewSource(plan.Seed, p.Workflow)})
	}
}

type brief struct {
	owner.Prepare
	Cores  int
	Source hyperscale.Source
}

// delivered takes a window.
func (m *manager) delivered(from link.Holder, d link.Delivery) {
	c := m.seats[d.Hold.Job]
	if c == nil {
		office{m}.lookUp(d.Hold.Job, func(over bool) {
			if over {
				m.answer(from, link.Receipt{Hold: d.Hold, Unknown: true})
			}
		})
		return
	}
	w, err := stats.DecodeWindow(d.Window)
	if err != nil {
		m.w.fail("%s gets a window that it can't read: %v", m.id, err)
		return
	}
	c.sabotage(from, d, w)
	c.step(owner.Delivered{Holder: from, Delivery: d, Window: w})
}

// answer says something to a worker that is linked.
func (m *manager) answer(to link.Holder, r link.Receipt) {
	if s := m.conns[to.Node]; s != nil && s.ends[0].boot == to.Boot {
		s.send(1, 1, r)
	}
}

// unclaimed asks whether a job is over that somebody holds a part of.
func (m office) unclaimed(e node.Unclaimed) {
	m.lookUp(e.Job, func(over bool) {
		if over {
			m.post(func() { m.effects(m.node.Disown(e.Child, e.Job, "", "")) })
		}
	})
}

// lookUp reads whether a job is over, or never was.
func (m office) lookUp(job hyperscale.JobID, told func(over bool)) {
	if m.asked[job] {
		return
	}
	m.asked[job] = true
	m.store.begin(func(ctx context.Context) {
		saved, err := own.Look(ctx, m.store, job)
		delete(m.asked, job)
		switch {
		case errors.Is(err, own.ErrNotFound):
			told(true)
		case err == nil:
			told(saved.Head.Phase.Terminal())
		}
	})
}

// fenced reads whether the job is ours still.
func (m office) fenced(job hyperscale.JobID) {
	c := m.seats[job]
	if c == nil {
		return
	}
	m.store.begin(func(ctx context.Context) {
		saved, err := own.Look(ctx, m.store, job)
		if err == nil && m.seats[job] == c && saved.Owner.Fence != c.tenure.Owner().Fence {
			m.stand(job)
		}
	})
}

// offered takes a job over from its owner, which wants that.
func (m office) offered(e node.Offered) {
	answer := func(epoch hyperscale.Epoch, refused string) {
		if s := m.peers[e.From]; s != nil {
			s.send(m.side(s), 0, link.Taken{Job: e.Offer.Job, Epoch: epoch, Refused: refused})
		}
	}
	if m.term == nil {
		answer(0, "no session")
		return
	}
	take := own.Take{Job: e.Offer.Job, Gone: own.Fence(e.Offer.Fence), How: own.ByOffer, Why: "it was offered"}
	m.takeOver(m.term, take, func(epoch hyperscale.Epoch, err error) {
		if err != nil {
			answer(0, err.Error())
			return
		}
		answer(epoch, "")
	})
}

// handOver offers all jobs to others.
func (m office) handOver() {
	if m.term == nil {
		return
	}
	for _, job := range slices.Sorted(maps.Keys(m.seats)) {
		c := m.seats[job]
		var others []hyperscale.NodeID
		for id := range m.peers {
			others = append(others, id)
		}
		ranked := own.Rank(job, others)
		if len(ranked) == 0 {
			return
		}
		m.w.saw("handover")
		s := m.peers[ranked[0]]
		s.send(m.side(s), 0, link.Offer{Job: job, Epoch: c.tenure.Epoch(), Fence: int64(c.tenure.Owner().Fence)})
	}
}

// submit takes a submission.
func (m office) submit(sub own.Submission, answer func(hyperscale.JobID, error)) {
	t := m.term
	if t == nil {
		answer("", store.ErrUnavailable)
		return
	}
	m.store.begin(func(ctx context.Context) {
		sub.Submitted = m.wall()
		t.busy[sub.Job] = true
		accepted, err := own.NewSubmitter(t.session, nil).Submit(ctx, sub)
		delete(t.busy, sub.Job)
		if m.term != t {
			return
		}
		if err == nil && accepted.Tenure != nil && m.seats[accepted.Job] == nil {
			m.sit(accepted.Job, accepted.Tenure, own.Saved{Job: accepted.Job, Head: accepted.Tenure.Head()})
		}
		if err != nil {
			if o := t.owners[sub.Job]; o.Node == m.id && o.Session == t.session.Node().Session && m.seats[sub.Job] == nil {
				m.adopt(t, sub.Job)
			}
		}
		answer(accepted.Job, err)
	})
}
