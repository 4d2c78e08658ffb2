package place

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/link"
)

func workerName(i int) hyperscale.NodeID { return hyperscale.NodeID(fmt.Sprintf("w%05d", i)) }

// peopled is a placer past its settling with so many workers.
func peopled(workers, cores int) *Placer {
	p := New(Config{})
	p.Step(0, Tick{})
	for i := range workers {
		p.Step(3*time.Second, Stated{Holder: link.Holder{Node: workerName(i), Boot: 1}, Seq: 1, Cores: cores, Free: cores})
	}
	return p
}

func wantOf(job string, number uint64, least, most int) link.Want {
	return link.Want{
		Job: hyperscale.JobID(job), Epoch: 1, Number: number,
		Workflows: []link.WorkflowCores{{Workflow: "w", Least: least, Most: most}},
	}
}

func wanted(from string, wants ...link.Want) Wanted {
	return Wanted{From: hyperscale.NodeID(from), Wants: link.Wants{Wants: wants}}
}

// datacenter is the truth beside the placer: workers that take orders or refuse.
type datacenter struct {
	t       *rapid.T
	placer  *Placer
	now     time.Duration
	workers []*Stated
	wants   map[string]link.Want // by job, of the one manager
	asked   map[string]time.Duration
	started map[string]time.Duration
}

func (d *datacenter) step(ev Event) {
	for _, e := range d.placer.Step(d.now, ev) {
		switch e := e.(type) {
		case Grant:
			d.check(e)
			d.start(e)
		case Refuse:
			d.t.Fatalf("%s refused: %s", e.Want.Job, e.Reason)
		}
	}
}

// check holds a grant to what was wanted.
func (d *datacenter) check(g Grant) {
	for i, f := range g.Want.Workflows {
		sum, last := 0, hyperscale.NodeID("")
		for _, c := range g.Given[i].Cores {
			if c.N < 1 || c.Node <= last {
				d.t.Fatalf("%+v is empty, twice or out of order", g.Given[i])
			}
			for _, x := range g.Want.Exclude {
				if x == c.Holder {
					d.t.Fatalf("%v was excluded", c)
				}
			}
			sum, last = sum+c.N, c.Node
		}
		if sum < f.Least || sum > f.Most {
			d.t.Fatalf("%s got %d of %d to %d", f.Workflow, sum, f.Least, f.Most)
		}
	}
}

// start is an owner that hears at once; workers have what was granted.
func (d *datacenter) start(g Grant) {
	if _, waits := d.wants[string(g.Want.Job)]; !waits {
		return // told again
	}
	delete(d.wants, string(g.Want.Job))
	d.started[string(g.Want.Job)] = d.now
	for _, given := range g.Given {
		for i, share := range Divide(given.Cores) {
			for _, w := range d.workers {
				if w.Holder != given.Cores[i].Holder {
					continue
				}
				if w.Free -= given.Cores[i].N; w.Free < 0 || w.Draining {
					d.t.Fatalf("%v is promised what it does not have", w.Node)
				}
				w.Uses = append(w.Uses, Use{Job: g.Want.Job, Workflow: given.Workflow, Share: share, Cores: given.Cores[i].N})
			}
		}
	}
}

func (d *datacenter) end(job string) {
	delete(d.started, job)
	for _, w := range d.workers {
		var left []Use
		for _, u := range w.Uses {
			if string(u.Job) == job {
				w.Free += u.Cores
				continue
			}
			left = append(left, u)
		}
		w.Uses = left
	}
}

// second lets some workers beat, the manager speak, and some jobs end.
func (d *datacenter) second() {
	d.now += time.Second
	for _, w := range d.workers {
		w.Seq++
		stated := *w
		stated.Uses = append([]Use(nil), w.Uses...)
		d.step(stated)
	}
	said := link.Wants{}
	for _, w := range d.wants {
		said.Wants = append(said.Wants, w)
	}
	for job := range d.started {
		said.Runs = append(said.Runs, link.Run{Job: hyperscale.JobID(job), Exclusive: job[0] == 'x'})
	}
	d.step(Wanted{From: "m", Wants: said})
	for job, at := range d.started {
		if d.now-at > 20*time.Second {
			d.end(job)
		}
	}
	d.step(Tick{})
}

// Jobs come and go: nothing is promised twice, no job beside an exclusive one,
// everybody has their turn, and in the end nothing is remembered.
func TestEverybodyHasTheirTurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &datacenter{
			t: t, placer: New(Config{}), wants: make(map[string]link.Want),
			asked: make(map[string]time.Duration), started: make(map[string]time.Duration),
		}
		for i := range rapid.IntRange(1, 6).Draw(t, "workers") {
			n := rapid.IntRange(1, 8).Draw(t, "cores")
			d.workers = append(d.workers, &Stated{Holder: link.Holder{Node: workerName(i), Boot: 1}, Cores: n, Free: n})
		}
		all := 0
		for _, w := range d.workers {
			all += w.Cores
		}
		for i := range rapid.IntRange(5, 60).Draw(t, "jobs") {
			name := fmt.Sprintf("j%d", i)
			exclusive := rapid.IntRange(0, 9).Draw(t, "exclusive") == 0
			if exclusive {
				name = fmt.Sprintf("x%d", i)
			}
			least := rapid.IntRange(1, all).Draw(t, "least")
			w := wantOf(name, 1, least, rapid.IntRange(least, 2*all).Draw(t, "most"))
			w.Exclusive, w.Priority = exclusive, link.Priority(rapid.IntRange(0, 3).Draw(t, "priority"))
			d.wants[name], d.asked[name] = w, d.now
			for range rapid.IntRange(0, 8).Draw(t, "pause") {
				d.second()
				d.alone()
			}
		}
		for d.now < 59*time.Minute && len(d.wants)+len(d.started) > 0 {
			d.second()
			d.alone()
		}
		if len(d.wants) > 0 {
			t.Fatalf("%d jobs never had their turn", len(d.wants))
		}
		d.second()
		if len(d.placer.jobs) > 0 || len(d.placer.queue) > 0 {
			t.Fatalf("%d jobs are remembered", len(d.placer.jobs))
		}
	})
}

// alone checks that nothing holds cores beside an exclusive job.
func (d *datacenter) alone() {
	for job := range d.started {
		if job[0] == 'x' && len(d.started) > 1 {
			d.t.Fatalf("%v run at once", d.started)
		}
	}
}

// What is gone for two minutes is forgotten, and what leaves at once.
func TestWorkersAreForgotten(t *testing.T) {
	p := peopled(2, 4)
	p.Step(4*time.Second, wanted("m", wantOf("7", 1, 8, 8)))
	p.Step(5*time.Second, Left{link.Holder{Node: workerName(0), Boot: 1}})
	p.Step(5*time.Second, Left{link.Holder{Node: workerName(1), Boot: 0}})
	if len(p.workers) != 1 {
		t.Fatalf("%d workers", len(p.workers))
	}
	p.Step(6*time.Second, wanted("m"))
	for at := 7 * time.Second; at < 130*time.Second; at += time.Second {
		p.Step(at, Tick{})
	}
	if len(p.workers) != 0 || len(p.jobs) != 0 {
		t.Fatalf("%d workers, %d jobs", len(p.workers), len(p.jobs))
	}
}

// A worker's health may change between its statements.
func TestJudged(t *testing.T) {
	p := peopled(1, 4)
	p.Step(4*time.Second, Judged{Holder: link.Holder{Node: workerName(0), Boot: 1}, Health: Unhealthy})
	waits := p.Step(4*time.Second, wanted("m", wantOf("7", 1, 1, 1)))
	if _, ok := waits[0].(Waiting); !ok {
		t.Fatalf("%+v", waits)
	}
	p.Step(5*time.Second, Judged{Holder: link.Holder{Node: workerName(0), Boot: 1}, Health: Degraded})
	if given := p.Step(5*time.Second, Tick{}); len(given) != 1 {
		t.Fatalf("%+v", given)
	}
}

func TestState(t *testing.T) {
	share := hyperscale.Share{Lo: 2, Hi: 5, Of: 8, Turn: 1}
	hold := link.Hold{Job: "7", Workflow: "w", Share: share}
	got := State(link.Statement{
		Node: "a", Boot: 3, Seq: 9, Cores: 8, Free: 5, Draining: true,
		Holds: []link.Held{{Hold: hold, State: link.Running}, {Hold: hold, State: link.Ended}},
	}, Busy)
	want := Stated{
		Holder: link.Holder{Node: "a", Boot: 3}, Seq: 9, Cores: 8, Free: 5, Draining: true, Health: Busy,
		Uses: []Use{{Job: "7", Workflow: "w", Share: share, Cores: 3}, {Job: "7", Workflow: "w", Share: share}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestAnswers(t *testing.T) {
	want := wantOf("7", 3, 1, 2)
	cores := []link.Cores{{Holder: link.Holder{Node: "a", Boot: 1}, N: 2}}
	got := Answers([]Effect{
		Grant{To: "m", Want: want, Given: []Given{{Workflow: "w", Cores: cores}}},
		Refuse{To: "n", Want: want, Reason: "no"},
		Waiting{To: "m", Want: want, Reason: "later", Position: 2, Expected: time.Second},
	})
	base := link.Grant{Job: "7", Epoch: 1, Number: 3, Workflow: "w"}
	granted, refused, waits := base, base, base
	granted.Cores, refused.Refused = cores, "no"
	waits.Waiting, waits.Position, waits.Expected = "later", 2, time.Second
	if !reflect.DeepEqual(got, map[hyperscale.NodeID]link.Grants{
		"m": {Grants: []link.Grant{granted, waits}}, "n": {Grants: []link.Grant{refused}},
	}) {
		t.Errorf("%+v", got)
	}
}

// One want for all of 10 000 workers.
func BenchmarkPlaceEverywhere(b *testing.B) {
	for range b.N {
		b.StopTimer()
		p := peopled(10_000, 4)
		b.StartTimer()
		if effects := p.Step(4*time.Second, wanted("m", wantOf("7", 1, 10_000, 30_000))); len(effects) != 1 {
			b.Fatal(effects)
		}
	}
}

// 1 000 wants of which none fits, said again.
func BenchmarkQueued(b *testing.B) {
	p, said := busy(1_000)
	b.ResetTimer()
	for range b.N {
		p.Step(4*time.Second, said)
	}
}

// 1 000 wants granted in one look.
func BenchmarkGrantThousand(b *testing.B) {
	for range b.N {
		b.StopTimer()
		p := peopled(10_000, 4)
		_, said := busy(1_000)
		b.StartTimer()
		if effects := p.Step(4*time.Second, said); len(effects) != 1_000 {
			b.Fatal(len(effects))
		}
	}
}

// A worker's beat, with 1 000 wants queued.
func BenchmarkStated(b *testing.B) {
	p, said := busy(1_000)
	p.Step(4*time.Second, said)
	b.ResetTimer()
	for i := range b.N {
		p.Step(4*time.Second, Stated{Holder: link.Holder{Node: workerName(i % 10_000), Boot: 1}, Seq: uint64(2 + i), Cores: 4, Uses: []Use{{Job: "1", Workflow: "w", Cores: 4}}})
	}
}

// busy is a placer whose 10 000 workers have nothing free, and wants for it.
func busy(wants int) (*Placer, Wanted) {
	p := New(Config{})
	p.Step(0, Tick{})
	for i := range 10_000 {
		p.Step(3*time.Second, Stated{Holder: link.Holder{Node: workerName(i), Boot: 1}, Seq: 1, Cores: 4, Uses: []Use{{Job: "1", Workflow: "w", Cores: 4}}})
	}
	said := Wanted{From: "m"}
	for i := range wants {
		said.Wants.Wants = append(said.Wants.Wants, wantOf(fmt.Sprintf("j%04d", i), 1, 8, 16))
	}
	return p, said
}
