package sim

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
)

// Apart is the first seed of worlds, of the kind of [Rich], in which the gate and the
// datacenter do not hear each other for a while, and the gate goes on without it.
const Apart = 4 << 20

// part draws when the gate and the datacenter do not hear each other, of such a world.
func (a *above) part() {
	if a.w.cfg.Seed>>20 != Apart>>20 {
		return
	}
	r := rand.New(rand.NewPCG(a.w.cfg.Seed, 0xa9a7))
	begin := time.Second + time.Duration(r.Int64N(int64(horizon)))
	length := time.Second + time.Duration(r.Int64N(int64(autonomy)))
	if r.IntN(4) == 0 {
		length += 2 * autonomy
	}
	a.w.at(begin, func() {
		a.w.say("the gate and the datacenter do not hear each other for %v", length)
		a.w.saw("apart")
		a.apart = true
		a.w.plan.calm = false
		for _, k := range slices.Clone(a.cords) {
			k.cut()
		}
		a.w.after(cutOff, a.goOn)
		a.w.after(length, func() { a.apart = false })
	})
}

// cutOff is how long a datacenter is not heard that is taken for cut off.
const cutOff = 5 * time.Second

// goOn lets all jobs go on without the datacenter, as long as it is not heard.
func (a *above) goOn() {
	if !a.apart {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(a.jobs)) {
		if u := a.jobs[id]; u.over == nil {
			u.step(owner.Lost{Holder: here})
		}
	}
	a.w.after(time.Second, a.goOn)
}

// stopped is when a job ended at the gate of which it had lost the datacenter, or which
// did not confirm that it stopped: of what that did later nobody there could know.
func (a *above) stopped(job hyperscale.JobID) time.Duration {
	u := a.jobs[job]
	unknown := func(ev hyperscale.Event) bool { return ev.What == "datacenter lost" || ev.What == "unconfirmed" }
	if u == nil || !slices.ContainsFunc(u.events, unknown) {
		return 1<<63 - 1
	}
	return u.ended
}

// wentOn reports whether the gate ended a workflow without its datacenter, where it may
// have been cancelled.
func (a *above) wentOn(job hyperscale.JobID, workflow string) bool {
	u := a.jobs[job]
	return u != nil && slices.ContainsFunc(u.events, func(ev hyperscale.Event) bool {
		return ev.What == "datacenter lost" && ev.Workflow == workflow
	})
}
