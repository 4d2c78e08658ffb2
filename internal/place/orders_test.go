package place

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/link"
)

// hosts is the truth beside the placer, where orders and statements are under way
// for up to three seconds: so that no grant is void before it was taken up.
type hosts struct {
	t      *rapid.T
	placer *Placer
	now    time.Duration
	list   []*host
	wants  map[hyperscale.JobID]link.Want // that wait, of the one manager
	runs   map[hyperscale.JobID]bool
}

// host is one worker.
type host struct {
	Stated
	orders []order // granted and not taken up
	taken  []order // taken up, and not shown
}

// order is what one grant gives one worker.
type order struct {
	job   hyperscale.JobID
	given []Use
	cores int           // in all
	at    time.Duration // when it was granted
}

func (h *hosts) step(ev Event) {
	for _, e := range h.placer.Step(h.now, ev) {
		g, is := e.(Grant)
		if _, waits := h.wants[g.Want.Job]; !is || !waits {
			continue
		}
		delete(h.wants, g.Want.Job)
		h.runs[g.Want.Job] = true
		for _, w := range h.list {
			o := order{job: g.Want.Job, at: h.now}
			for _, given := range g.Given {
				for i, share := range Divide(given.Cores) {
					if given.Cores[i].Holder == w.Holder {
						o.cores += given.Cores[i].N
						o.given = append(o.given, Use{Job: g.Want.Job, Workflow: given.Workflow, Share: share, Cores: given.Cores[i].N})
					}
				}
			}
			if o.given != nil {
				w.orders = append(w.orders, o)
			}
		}
	}
	h.check()
}

// check holds what the placer takes for under way to what is.
func (h *hosts) check() {
	for _, w := range h.list {
		known, cores := h.placer.workers[w.Node], 0
		for _, o := range append(append([]order(nil), w.orders...), w.taken...) {
			cores += o.cores
		}
		n := len(w.orders) + len(w.taken)
		if known == nil {
			if n > 0 {
				h.t.Fatalf("%s was never heard and has %d orders", w.Node, n)
			}
			continue
		}
		if known.orders() != n || known.free-cores != known.unpledged() || n > 3 {
			h.t.Fatalf("%s has %d orders under way over %d cores, the placer knows of %d over %d", w.Node, n, cores, known.orders(), known.free-known.unpledged())
		}
	}
}

// take lets a worker take up an order, or refuse it, which its next statement shows.
func (h *hosts) take(w *host, refuse bool) {
	o := w.orders[0]
	w.orders = w.orders[1:]
	for i := range o.given {
		if refuse {
			o.given[i].Cores = 0
		} else if w.Free -= o.given[i].Cores; w.Free < 0 {
			h.t.Fatalf("%s is promised what it does not have", w.Node)
		}
	}
	w.Uses = append(w.Uses, o.given...)
	w.taken = append(w.taken, o)
}

// state lets the placer hear what a worker has.
func (h *hosts) state(w *host) {
	w.Seq++
	w.taken = nil
	said := w.Stated
	said.Uses = append([]Use(nil), w.Uses...)
	h.step(said)
}

// say lets the manager say all, or what is of some of its jobs.
func (h *hosts) say(only ...hyperscale.JobID) {
	said := link.Wants{Only: only}
	for job, w := range h.wants {
		if len(only) == 0 || only[0] == job {
			said.Wants = append(said.Wants, w)
		}
	}
	for job := range h.runs {
		if len(only) == 0 {
			said.Runs = append(said.Runs, link.Run{Job: job})
		}
	}
	h.step(Wanted{From: "m", Wants: said})
}

// end ends a job: its workers state so with the next.
func (h *hosts) end(job hyperscale.JobID) {
	for _, w := range h.list {
		var left []Use
		for _, u := range w.Uses {
			if u.Job != job {
				left = append(left, u)
				continue
			}
			w.Free += u.Cores
		}
		w.Uses = left
	}
	delete(h.runs, job)
}

// What the placer takes for under way is so, whatever order things are heard in; a
// worker never has more than three grants to take up; and all have their turn.
func TestOrdersUnderWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &hosts{t: t, placer: New(Config{}), wants: map[hyperscale.JobID]link.Want{}, runs: map[hyperscale.JobID]bool{}}
		h.step(Tick{})
		h.now = 3 * time.Second
		for i := range rapid.IntRange(1, 3).Draw(t, "workers") {
			n := rapid.IntRange(2, 20).Draw(t, "cores")
			h.list = append(h.list, &host{Stated: Stated{Holder: link.Holder{Node: workerName(i), Boot: 1}, Cores: n, Free: n}})
		}
		jobs := 0
		for range rapid.IntRange(1, 100).Draw(t, "acts") {
			w := h.list[rapid.IntRange(0, len(h.list)-1).Draw(t, "worker")]
			switch rapid.IntRange(0, 6).Draw(t, "act") {
			case 0, 1, 2:
				want := wantOf(fmt.Sprint(jobs), 1, 1, rapid.IntRange(1, 3).Draw(t, "most"))
				if rapid.Bool().Draw(t, "two") {
					want.Workflows = append(want.Workflows, link.WorkflowCores{Workflow: "v", Least: 1, Most: 1})
				}
				h.wants[want.Job] = want
				jobs++
				h.say(want.Job)
			case 3:
				if len(w.orders) > 0 {
					h.take(w, rapid.Bool().Draw(t, "refuse"))
				}
			case 4:
				h.state(w)
			case 5:
				w.Boot, w.Seq, w.Free, w.Uses, w.orders, w.taken = w.Boot+1, 0, w.Cores, nil, nil, nil
				h.state(w)
			case 6:
				h.second()
			}
		}
		for range 2 * jobs {
			h.second()
			for _, w := range h.list {
				for len(w.orders) > 0 {
					h.take(w, false)
				}
				h.state(w)
			}
			for job := range h.runs {
				h.end(job)
			}
		}
		if len(h.wants) > 0 {
			t.Fatalf("%d wait for ever", len(h.wants))
		}
	})
}

// second lets time pass: who was granted something three seconds ago has taken it
// up, and said so.
func (h *hosts) second() {
	h.now += time.Second
	for _, w := range h.list {
		late := false
		for _, o := range append(append([]order(nil), w.orders...), w.taken...) {
			late = late || h.now-o.at >= 3*time.Second
		}
		for late && len(w.orders) > 0 {
			h.take(w, false)
		}
		if late || h.now%(2*time.Second) == 0 {
			h.state(w) // else it would be silent before long
		}
	}
	h.say()
	h.step(Tick{})
}
