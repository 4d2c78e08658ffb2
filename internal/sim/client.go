package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/own"
)

// client submits one plan and watches its job.
type client struct {
	proc
	sub      submission
	key      string
	job      hyperscale.JobID   // "": not known yet
	answers  []hyperscale.JobID // of all submissions with the key
	events   []hyperscale.Event
	over     bool
	status   owner.CancelStatus
	attempts int
	asked    []asked
	round    int // of watching
}

// asked is one submission: the job that it would make, and the one that it is told.
type asked struct {
	called, answered time.Duration // answered 0: never, or with an error
	job, answer      hyperscale.JobID
}

func (w *world) newClient(n int, sub submission) {
	c := &client{proc: proc{w: w, id: hyperscale.NodeID(fmt.Sprintf("c%d", n)), up: true, boot: 1}, sub: sub, key: fmt.Sprintf("key%d", n)}
	w.clients = append(w.clients, c)
	c.at(sub.at, func() { c.submit(pick(w, w.managers)) })
	if sub.twice {
		c.at(sub.at+w.between(0, 300*time.Millisecond), func() { c.submit(pick(w, w.managers)) })
	}
}

// submit submits to a manager, and to others until one answers.
func (c *client) submit(m *manager) {
	w := c.w
	c.attempts++
	id := hyperscale.JobID(fmt.Sprintf("%s-%d", c.id, c.attempts))
	w.jobs[id] = newTruth(id, c.sub.plan)
	w.jobs[id].single = c.sub.single
	sub := own.Submission{
		Key: c.key, Job: id, Origin: own.Origin{Name: c.sub.plan.Name, Client: string(c.id)},
		Content: []byte(c.sub.plan.Name), Event: hyperscale.Event{What: "accepted"},
	}
	at := len(c.asked)
	c.asked = append(c.asked, asked{called: w.now, job: id})
	answered := false
	answer := func(job hyperscale.JobID, err error) {
		c.at(w.now+w.latency(m.id, c.id), func() {
			if answered || w.net.cutOff(m.id, c.id) {
				return
			}
			answered = true
			w.say("%s hears from %s of its submission: %s %v", c.id, m.id, job, err)
			if err != nil {
				c.after(300*time.Millisecond, func() { c.submit(pick(w, w.managers)) })
				return
			}
			c.asked[at].answered, c.asked[at].answer = w.now, job
			c.accepted(job)
		})
	}
	w.after(w.latency(c.id, m.id), func() {
		if m.up && !w.net.cutOff(c.id, m.id) {
			m.inside(m.boot, func() { office{m}.submit(sub, answer) })
		}
	})
	c.after(6*time.Second, func() {
		if !answered {
			answered = true
			w.saw("submission without answer")
			c.submit(pick(w, w.managers))
		}
	})
}

// accepted hears which job the submission made.
func (c *client) accepted(job hyperscale.JobID) {
	c.answers = append(c.answers, job)
	if c.job != "" {
		if job != c.job {
			c.w.fail("%s: one key made jobs %s and %s", c.id, c.job, job)
		}
		return
	}
	c.job = job
	c.after(0, c.watch)
	c.wishLater()
	if c.sub.cancel > 0 {
		c.after(c.sub.cancel, func() { c.cancel(pick(c.w, c.w.managers)) })
	}
}

// watch asks some manager for the events after the last. One that does not answer
// is given up.
func (c *client) watch() {
	w := c.w
	if c.over {
		return
	}
	m := pick(w, w.managers)
	c.round++
	round := c.round
	c.after(4*time.Second, func() {
		if c.round == round {
			c.watch()
		}
	})
	w.after(w.latency(c.id, m.id), func() {
		if m.stopped() || w.net.cutOff(c.id, m.id) || w.net.cutOff(m.id, c.id) {
			return
		}
		after := uint64(len(c.events))
		m.store.begin(func(ctx context.Context) {
			told, err := own.Events(ctx, m.store, c.job, after, 1+w.rand.IntN(5))
			c.after(w.latency(m.id, c.id), func() {
				c.take(told, err)
				if c.round == round && !c.over {
					c.round++
					c.after(w.between(200*time.Millisecond, 1500*time.Millisecond), c.watch)
				}
			})
		})
	})
}

// take takes events in: the next ones, in order.
func (c *client) take(told own.Told, err error) {
	if err != nil {
		if errors.Is(err, own.ErrNotFound) {
			c.w.fail("%s: job %s is not found after it was accepted", c.id, c.job)
		}
		return
	}
	for _, ev := range told.Events {
		if ev.Seq <= uint64(len(c.events)) {
			if before := c.events[ev.Seq-1]; before.What != ev.What || before.Detail != ev.Detail {
				c.w.fail("%s: event %d of %s is %q and was %q", c.id, ev.Seq, c.job, ev.What, before.What)
			}
			continue
		}
		if ev.Seq != uint64(len(c.events))+1 {
			c.w.fail("%s: event %d of %s follows %d", c.id, ev.Seq, c.job, len(c.events))
			return
		}
		if n := len(c.events); n > 0 && ev.Epoch < c.events[n-1].Epoch {
			c.w.fail("%s: event %d of %s has epoch %d after %d", c.id, ev.Seq, c.job, ev.Epoch, c.events[n-1].Epoch)
		}
		c.events = append(c.events, ev)
	}
	c.over = len(c.events) > 0 && c.events[len(c.events)-1].What == owner.JobEnded
}

// request is what a client asks the owner of its job for.
type request struct {
	event    func(token uint64) owner.Event
	answered func(owner.Effect)
}

// cancel asks for the end of the job.
func (c *client) cancel(m *manager) {
	c.ask(m, 0, request{
		event: func(token uint64) owner.Event { return owner.Cancel{Token: token, By: string(c.id)} },
		answered: func(e owner.Effect) {
			c.status = e.(owner.Answer).Status
			c.w.say("%s hears of its cancel: %s", c.id, c.status)
			c.w.saw("cancel " + string(c.status))
		},
	})
}

// ask asks a manager until it is answered: whoever is asked and does not own the job
// names the owner.
func (c *client) ask(m *manager, tries int, r request) {
	w := c.w
	if _, adjusts := r.event(0).(owner.Adjust); w.above.there && (adjusts || w.above.chance(0.5)) {
		c.askAbove(tries, r)
		return
	}
	if tries > 40 {
		return
	}
	answered := false
	again := func(m *manager) {
		if !answered {
			answered = true
			c.after(300*time.Millisecond, func() { c.ask(m, tries+1, r) })
		}
	}
	w.after(w.latency(c.id, m.id), func() {
		if m.stopped() || w.net.cutOff(c.id, m.id) {
			return
		}
		chair := m.seats[c.job]
		if chair == nil {
			if m.term != nil && m.term.owners[c.job].Node != "" {
				again(w.manager(m.term.owners[c.job].Node))
			} else {
				again(pick(w, w.managers))
			}
			return
		}
		chair.token++
		chair.asks[chair.token] = func(e owner.Effect) {
			c.after(w.latency(m.id, c.id), func() {
				answered = true
				r.answered(e)
			})
		}
		chair.step(r.event(chair.token))
	})
	c.after(3*time.Second, func() { again(pick(w, w.managers)) })
}
