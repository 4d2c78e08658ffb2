package sim

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// above is a gate that all jobs of a world have as their parent, with this datacenter
// for its only child: it decides over them, and whoever owns one here does as it says.
// All that it does it draws from a source of its own, so that a world without a parent
// is as if there were no such thing.
type above struct {
	w     *world
	rand  *rand.Rand
	there bool
	epoch hyperscale.Epoch // of the gate: rises when another takes its place
	away  bool             // one is gone, and none has come yet
	apart bool             // it and this datacenter do not hear each other
	links uint64           // number of the last link
	cords []*cord
	jobs  map[hyperscale.JobID]*upper
}

// here is the datacenter as the gate knows it.
var here = link.Holder{Node: "here", Boot: 1}

// upper is a job at the gate: its owner there, and what of it is durable.
type upper struct {
	a *above
	t *truth
	acting
	durable
	merged bool                // some windows were joined on their way
	seen   map[numbered]string // what was sent under a number
	kept   int                 // bytes that the owner here keeps
	tenure hyperscale.Epoch    // the highest heard of those who own it here
	latest *cord               // over which was last heard
}

// acting is the owner of a job at the gate, as long as it acts.
type acting struct {
	owner *owner.Owner
	life  int             // rises with each owner
	wants map[uint64]bool // granted
	wake  time.Duration
	asks  map[uint64]func(owner.Effect)
	token uint64
	inbox []owner.Event
}

// durable is what is saved of a job at the gate.
type durable struct {
	saved  [][]byte
	clock  hyperscale.JobTime
	over   *owner.Save // the last: nothing more is to be said
	result []byte
	ended  time.Duration // when its result was made
	events []hyperscale.Event
}

// numbered names a window.
type numbered struct {
	hold link.Hold
	seq  uint64
}

// newAbove draws whether the jobs of a world have a parent, and when it falls.
func newAbove(w *world) *above {
	a := &above{w: w, rand: rand.New(rand.NewPCG(w.cfg.Seed, 0xab07e)), epoch: 1, jobs: map[hyperscale.JobID]*upper{}}
	a.there = !w.cfg.Alone && (a.chance(0.4) || w.cfg.Seed>>20 == Apart>>20 || w.cfg.Sabotage == SentBeforeSaved)
	if !a.there {
		return a
	}
	for range a.rand.IntN(4) {
		w.at(3*time.Second+a.between(0, horizon), a.fall)
	}
	w.at(0, a.beat)
	a.part()
	return a
}

func (a *above) chance(p float64) bool { return a.rand.Float64() < p }

// trouble is true so often, until things are to settle.
func (a *above) trouble(p float64) bool { return a.w.now < horizon && a.chance(p) }

func (a *above) between(from, to time.Duration) time.Duration {
	return from + time.Duration(a.rand.Int64N(int64(to-from)))
}

// parentOf is what the owner of a job is told of its parent; nil: there is none.
func (a *above) parentOf(t *truth) *owner.Parent {
	if !a.there {
		return nil
	}
	u := a.jobs[t.id]
	if u == nil {
		u = &upper{a: a, t: t, seen: map[numbered]string{}, kept: []int{0, 0, 2500}[a.rand.IntN(3)]}
		a.jobs[t.id] = u
		u.begin(owner.New(u.config()))
	}
	return &owner.Parent{Place: string(here.Node), MaxKept: u.kept}
}

func (u *upper) config() owner.Config {
	return owner.Config{Job: u.t.id, Self: "gate", Epoch: u.a.epoch, Plan: u.t.plan, OneHolder: u.t.single, Datacenters: true}
}

// begin lets an owner act at the gate.
func (u *upper) begin(o *owner.Owner) {
	u.life++
	u.owner, u.wants, u.asks, u.wake, u.inbox = o, map[uint64]bool{}, map[uint64]func(owner.Effect){}, 0, nil
	u.step(owner.Begin{})
}

// beat is what the gate says each second: that it is there.
func (a *above) beat() {
	a.w.after(time.Second, a.beat)
	if a.away {
		return
	}
	for _, k := range slices.Clone(a.cords) {
		k.down(func(c *chair) { c.heardTop() })
	}
	for _, id := range slices.Sorted(maps.Keys(a.jobs)) {
		if u := a.jobs[id]; u.owner != nil && u.over == nil {
			clear(u.wants) // what is still wanted is granted again
			u.grant()
		}
	}
	if n := len(a.cords); n > 0 && a.trouble(0.03) {
		a.cords[a.rand.IntN(n)].cut()
	}
}

// fall lets the gate go, with all that it had not saved; after a while, which may be
// long, another is in its place.
func (a *above) fall() {
	if a.away {
		return
	}
	a.w.say("the gate falls")
	a.w.saw("gate falls")
	a.away = true
	for _, u := range a.jobs {
		u.owner = nil
		u.life++
	}
	for _, k := range slices.Clone(a.cords) {
		k.cut()
	}
	length := a.between(200*time.Millisecond, 4*time.Second)
	if a.chance(0.1) {
		length = a.between(autonomy, autonomy+10*time.Second)
		a.w.saw("gate away for long")
		a.w.plan.calm = false // the load stops by itself
	}
	a.w.after(length, func() {
		a.away = false
		a.epoch++
		for _, id := range slices.Sorted(maps.Keys(a.jobs)) {
			a.jobs[id].takeOver()
		}
	})
}

// takeOver goes on with what was saved.
func (u *upper) takeOver() {
	if u.over != nil {
		return
	}
	if u.saved == nil {
		u.begin(owner.New(u.config()))
		return
	}
	o, err := owner.Read(u.config(), u.saved, u.clock)
	if err != nil {
		u.a.w.fail("%s: the gate can't read it: %v", u.t.id, err)
		return
	}
	u.begin(o)
}

// step gives the owner at the gate an event and does what follows.
func (u *upper) step(ev owner.Event) {
	if u.owner == nil {
		return
	}
	u.inbox = append(u.inbox, ev)
	if len(u.inbox) > 1 {
		return
	}
	life := u.life
	for len(u.inbox) > 0 {
		u.stepNow(u.inbox[0])
		if u.life != life {
			return
		}
		u.inbox = u.inbox[1:]
	}
	u.inbox = nil
}

func (u *upper) stepNow(ev owner.Event) {
	w, life := u.a.w, u.life
	for _, e := range u.owner.Step(w.now, ev) {
		u.effect(e)
	}
	u.grant()
	if next := u.owner.Next(); next != u.wake {
		u.wake = next
		w.at(min(next, longest*1000), func() {
			if u.life == life && u.wake == next {
				u.wake = 0
				u.step(owner.Tick{})
			}
		})
	}
}

// effect does what the owner at the gate wants.
func (u *upper) effect(e owner.Effect) {
	switch e := e.(type) {
	case owner.Tell:
		u.t.wishes.heedAbove(u.a.w, e)
		u.a.w.say("the gate orders %s", orderText(e.Order))
		u.down(owner.Ordered{Order: e.Order, Prepare: e.Prepare, Adjust: e.Adjust})
	case owner.Acknowledge:
		if u.a.trouble(0.2) {
			e.Receipt.Level = link.Throttle
		}
		u.down(owner.ParentTells{Receipt: e.Receipt})
	case owner.Save:
		u.save(e)
	case owner.Answer:
		u.reply(e.Token, e)
	case owner.Adjusted:
		u.reply(e.Token, e)
	}
}

// down says something to whoever owns the job here, as far as is known.
func (u *upper) down(ev owner.Event) {
	if u.latest != nil {
		u.latest.down(func(c *chair) { c.step(ev) })
	}
}

func (u *upper) reply(token uint64, e owner.Effect) {
	if reply := u.asks[token]; reply != nil {
		delete(u.asks, token)
		reply(e)
	}
}

// save makes a save durable, after a while.
func (u *upper) save(save owner.Save) {
	life := u.life
	if save.Result != nil {
		u.ended = u.a.w.now
	}
	for _, ev := range save.Events {
		u.a.w.say("the gate: %s event %q %s %s %s", u.t.id, ev.What, ev.Workflow, ev.Node, ev.Detail)
	}
	u.a.w.after(u.a.between(5*time.Millisecond, 300*time.Millisecond), func() {
		if u.life != life {
			return
		}
		if save.Base {
			u.saved = nil
		}
		u.saved, u.clock = append(u.saved, save.Record), save.Clock
		u.events = append(u.events, save.Events...)
		if save.Ended {
			u.over, u.result = &save, save.Result
		}
		u.step(owner.Saved{Number: save.Number})
	})
}

// grant gives the datacenter what the job wants.
func (u *upper) grant() {
	for _, want := range u.owner.Wants() {
		if u.wants[want.Number] {
			continue
		}
		u.wants[want.Number] = true
		cores := map[string][]link.Cores{}
		for _, f := range want.Workflows {
			cores[f.Workflow] = []link.Cores{{Holder: here, N: max(f.Cores, 1)}}
		}
		life := u.life
		u.a.w.after(u.a.between(0, 50*time.Millisecond), func() {
			if u.life == life {
				u.step(owner.Granted{Want: want.Number, Cores: cores})
			}
		})
	}
}

// receive takes a window.
func (u *upper) receive(d link.Delivery) {
	w, err := stats.DecodeWindow(d.Window)
	if err != nil {
		u.a.w.fail("the gate gets a window of %s that it can't read: %v", d.Hold.Job, err)
		return
	}
	for seq := w.ID.First; seq <= w.ID.Seq; seq++ {
		name := numbered{d.Hold, seq}
		if before, known := u.seen[name]; known && before != string(d.Window) {
			u.a.w.fail("window %d of %s comes up with other content than was sent before", seq, holdText(d.Hold))
		}
		u.seen[name] = string(d.Window)
	}
	u.merged = u.merged || w.ID.First < w.ID.Seq
	if u.over == nil {
		u.step(owner.Delivered{Holder: here, Delivery: d, Window: w})
	}
}

// stated takes in what whoever owns the job here states of it. Of a job that is over
// nothing is to be kept.
func (u *upper) stated(from *cord, held []link.Held, fresh bool) {
	tenure := held[len(held)-1].Tenure
	if tenure < u.tenure {
		return // another owns it here
	}
	u.latest, u.tenure = from, tenure
	if u.over == nil {
		u.step(owner.Stated{Holder: here, Held: held, Trip: 20 * time.Millisecond, Fresh: fresh})
		return
	}
	order := link.Order{Do: link.Drop, Epoch: link.NoOwner, Hold: link.Hold{Job: u.t.id}, Phase: u.over.Phase, Reason: u.over.Reason}
	u.down(owner.Ordered{Order: order})
}

// check holds what the gate made of the job against the result here, and gives the
// result of the one who decided over the job.
func (u *upper) check(w *world, t *truth, r *stats.Result) *stats.Result {
	if u == nil {
		return r
	}
	if u.result == nil {
		w.fail("%s is over here, and not at the gate", t.id)
		return r
	}
	above, err := stats.DecodeResult(t.plan, u.result)
	if err != nil {
		w.fail("%s, at the gate: %v", t.id, err)
		return r
	}
	for i, f := range t.plan.Workflows {
		at, here := owner.CountsOf(above.Tally, f.Name), owner.CountsOf(r.Tally, f.Name)
		if more := at.Slots.Missed - here.Slots.Missed; at.Slots.Missed > here.Slots.Missed { // of what was never begun here
			at.Slots.Missed, at.Slots.Due = here.Slots.Missed, at.Slots.Due-more
		}
		if u.told(f.Name, "datacenter lost") {
			if above.Phase != hyperscale.Completed { // a job that is stopped waits for nobody who is not heard
				at = here
			}
			if more := at.Slots.Lost - here.Slots.Lost; at.Slots.Lost > here.Slots.Lost { // it may never have heard of its start
				at.Slots.Lost, at.Slots.Started, at.Slots.Due = here.Slots.Lost, at.Slots.Started-more, at.Slots.Due-more
			}
			w.saw("lost for a while, and counted")
		}
		if at != here && !u.gaveUp(f.Name) {
			w.fail("%s: the gate has %+v of %s, the result here says %+v", t.id, at, f.Name, here)
		}
		judge{w}.checkWishes(t, &above.Workflows[i], &t.plan.Workflows[i].Load, u.events)
	}
	for _, text := range slices.Concat(stats.Identities(above.Tally), stats.Unequal(above.Tally, places(above))) {
		w.fail("%s, at the gate: %s", t.id, text)
	}
	if above.Phase != r.Phase {
		w.fail("%s is %s at the gate and %s here", t.id, above.Phase, r.Phase)
	}
	if u.merged {
		w.saw("windows merged for the gate")
	}
	w.saw("led")
	return above
}

// places are what the datacenters of a result did.
func places(r *stats.Result) []*stats.Tally {
	var list []*stats.Tally
	for _, d := range r.Datacenters {
		list = append(list, d.Tally)
	}
	return list
}

// gaveUp reports whether the gate gave up a part of a workflow, and booked for itself
// what it did not hear of it.
func (u *upper) gaveUp(workflow string) bool {
	return u.told(workflow, "unconfirmed") || slices.ContainsFunc(u.events, func(ev hyperscale.Event) bool {
		return ev.Workflow == workflow && ev.Detail == "it did not end when it was cut"
	})
}

// told reports whether an event of a workflow was told at the gate.
func (u *upper) told(workflow, what string) bool {
	return slices.ContainsFunc(u.events, func(ev hyperscale.Event) bool { return ev.Workflow == workflow && ev.What == what })
}

// cord is what links the owner of a job here to the gate.
type cord struct {
	a     *above
	c     *chair
	link  uint64        // 0: it does not stand
	there time.Duration // when what was said last arrives there …
	here  time.Duration // … and here
	fresh bool          // nothing was stated over the link yet
	told  string        // what was stated last
	next  time.Duration // when it is stated again
}

// attach links an owner to the gate, if there is one.
func (a *above) attach(c *chair) {
	if !a.there || c.m.seats[c.job] != c {
		return
	}
	c.cord = &cord{a: a, c: c}
	a.cords = append(a.cords, c.cord)
	c.cord.dial()
}

// dial makes the link stand, sooner or later.
func (k *cord) dial() {
	m := k.c.m
	m.at(m.w.now+k.a.between(time.Millisecond, 500*time.Millisecond), func() {
		switch {
		case m.seats[k.c.job] != k.c || k.link != 0:
		case k.a.away || k.a.apart || k.a.trouble(0.3):
			k.dial()
		default:
			k.a.links++
			k.link, k.fresh, k.next = k.a.links, true, 0
			k.c.step(owner.ParentAt{Link: k.link, Epoch: k.a.epoch})
			k.state()
		}
	})
}

// cut ends the link; what is under way is gone.
func (k *cord) cut() {
	m := k.c.m
	if m.seats[k.c.job] != k.c {
		k.a.cords = slices.DeleteFunc(k.a.cords, func(o *cord) bool { return o == k })
		return
	}
	if k.link == 0 {
		return
	}
	k.link = 0
	m.at(m.w.now, func() {
		if k.link == 0 {
			k.c.step(owner.ParentAt{})
		}
	})
	k.dial()
}

// state states what is held each second, and soon after it changed.
func (k *cord) state() {
	m, n := k.c.m, k.link
	if m.seats[k.c.job] != k.c || n == 0 {
		return
	}
	held := k.c.seat.Owner().Held()
	if text := statedText(held); text != k.told || m.w.now >= k.next {
		k.told, k.next = text, m.w.now+time.Second
		fresh := k.fresh
		k.fresh = false
		k.send(func(u *upper) { u.stated(k, held, fresh) })
	}
	m.at(m.w.now+50*time.Millisecond, func() {
		if k.link == n {
			k.state()
		}
	})
}

// statedText is what of a statement is told at once when it changed.
func statedText(held []link.Held) string {
	text := ""
	for _, h := range held {
		text += holdText(h.Hold) + string(rune('0'+h.State)) + h.Aborted + h.Cancelled.By
	}
	return text
}

// up carries a window to the gate, some twice.
func (k *cord) up(d link.Delivery) {
	if k.a.trouble(0.03) {
		k.send(func(u *upper) { u.receive(d) })
	}
	k.send(func(u *upper) { u.receive(d) })
}

// send carries something to the gate, in order. Now and then the link breaks over it.
func (k *cord) send(do func(*upper)) {
	n, job := k.link, k.c.job
	if n != 0 && k.a.trouble(0.005) {
		k.cut()
		return
	}
	if n == 0 {
		return
	}
	k.there = max(k.there, k.a.w.now+k.a.between(time.Millisecond, 80*time.Millisecond))
	k.a.w.at(k.there, func() {
		if k.link == n && !k.a.away {
			do(k.a.jobs[job])
		}
	})
}

// down carries something to the owner here.
func (k *cord) down(do func(*chair)) {
	n, m := k.link, k.c.m
	if n != 0 && k.a.trouble(0.005) {
		k.cut()
		return
	}
	if n == 0 {
		return
	}
	k.here = max(k.here, k.a.w.now+k.a.between(time.Millisecond, 80*time.Millisecond))
	m.at(k.here, func() {
		if k.link == n && m.seats[k.c.job] == k.c {
			do(k.c)
		}
	})
}

// askAbove asks the owner of the client's job at the gate, until it is answered.
func (c *client) askAbove(tries int, r request) {
	w := c.w
	u := w.above.jobs[c.job]
	answered := false
	w.after(w.above.between(time.Millisecond, 80*time.Millisecond), func() {
		if u == nil || u.owner == nil {
			return
		}
		u.token++
		u.asks[u.token] = func(e owner.Effect) {
			if !answered {
				answered = true
				c.after(time.Millisecond, func() { r.answered(e) })
			}
		}
		u.step(r.event(u.token))
	})
	c.after(3*time.Second, func() {
		if !answered && tries < 20 {
			answered = true
			c.askAbove(tries+1, r)
		}
	})
}
