package sim

import (
	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
)

// driver makes the driver of the engine's load.
func (e *engine) driver(since hyperscale.JobTime) driver {
	p, run := &e.brief, e.run
	source := witness{e.k.w}.sourceOf(e.hold)
	share := p.Share
	share.From = max(since-run.begin, 0)
	switch p.Load.Kind {
	case hyperscale.LoadOpen:
		a := schedule.NewArrivals(p.Load, source, run.made...).Numbered(p.First)
		run.end = run.begin + a.End()
		met := max(share.Count(int64(p.First)+a.Before(share.From)), e.reserve.from.Place)
		return &arrivals{all: a, first: int64(p.First), share: share, cursor: a.CursorAt(share, 0, 1, met), met: met}
	case hyperscale.LoadClosed:
		u := schedule.NewUsers(p.Load, run.made...)
		run.end = run.begin + u.End()
		return &crowd{all: u, share: share, pass: map[int64]int64{}, busy: map[int64]bool{}}
	case hyperscale.LoadOnce:
		return &once{}
	}
	w := schedule.NewIterations(p.Load)
	cut, some := w.Share(share)
	d := &work{all: w, share: cut, each: p.Load.Kind == hyperscale.LoadEach, pass: map[int64]int64{}, busy: map[int64]bool{}}
	if some {
		d.users, d.total = cut.Count(w.VUs), cut.Count(w.Slots)
	}
	d.place = e.reserve.from.Place
	d.paused = schedule.PausedAt(run.made, max(since-run.begin, 0))
	return d
}

// arrivals is an open load.
type arrivals struct {
	all    *schedule.Arrivals
	first  int64
	share  hyperscale.Share
	cursor *schedule.Cursor
	met    int64
}

func (d *arrivals) next(e *engine, now hyperscale.JobTime) hyperscale.JobTime {
	for {
		slot, due, ok := d.cursor.Peek()
		if !ok {
			return never
		}
		if at := e.run.begin + due; at > now {
			return at
		}
		d.cursor.Next()
		d.met++
		e.begin(slot, 0, 0, e.run.begin+due, now)
	}
}

func (d *arrivals) change(e *engine, c change) {
	d.all = schedule.NewArrivals(e.brief.Load, witness{e.k.w}.sourceOf(e.hold), c.all...).Numbered(e.brief.First)
	d.cursor = d.all.CursorAt(d.share, 0, 1, d.met)
	e.run.end = e.run.begin + d.all.End()
}

func (d *arrivals) ended(*engine, *flight) {}
func (d *arrivals) over() bool             { return false }

func (d *arrivals) stop(e *engine, at hyperscale.JobTime) {
	if left := d.share.Count(d.first+d.all.Before(at-e.run.begin)) - d.met; left > 0 {
		e.run.rec.Due += uint64(left)
		e.run.rec.Missed += uint64(left)
	}
}

// crowd is a closed load.
type crowd struct {
	all   *schedule.Users
	share hyperscale.Share
	pass  map[int64]int64
	busy  map[int64]bool
	most  int64
}

func (d *crowd) next(e *engine, now hyperscale.JobTime) hyperscale.JobTime {
	into := max(now-e.run.begin, d.share.From)
	for place := range d.share.Count(d.all.At(into)) {
		if d.busy[place] {
			continue
		}
		pass, began := d.pass[place]
		if !began {
			pass = e.reserve.from.Pass
		}
		if pass >= e.reserve.upTo.Pass {
			continue
		}
		d.busy[place], d.pass[place], d.most = true, pass+1, max(d.most, pass+1)
		e.begin(d.share.At(place), pass, place, now, now)
	}
	if at, _, ok := d.all.Change(into); ok && at < d.all.End() {
		return e.run.begin + at
	}
	return never
}

func (d *crowd) change(e *engine, c change) {
	d.all = schedule.NewUsers(e.brief.Load, c.all...)
	e.run.end = e.run.begin + d.all.End()
}

func (d *crowd) ended(_ *engine, f *flight)       { d.busy[f.vu] = false }
func (d *crowd) over() bool                       { return false }
func (d *crowd) stop(*engine, hyperscale.JobTime) {}
func (d *crowd) reach() link.Reserve              { return link.Reserve{Pass: d.most} }

// work is a fixed amount of iterations, shared or for each virtual user.
type work struct {
	all          schedule.Iterations
	share        hyperscale.Share
	each         bool
	users, total int64
	place        int64
	most         int64
	paused       bool
	pass         map[int64]int64
	busy         map[int64]bool
}

func (d *work) next(e *engine, now hyperscale.JobTime) hyperscale.JobTime {
	if d.paused {
		return never
	}
	for vu := range d.users {
		if d.busy[vu] {
			continue
		}
		if d.each {
			pass, began := d.pass[vu]
			if !began {
				pass = e.reserve.from.Pass
			}
			if pass < min(d.all.Passes, e.reserve.upTo.Pass) {
				d.busy[vu], d.pass[vu], d.most = true, pass+1, max(d.most, pass+1)
				e.begin(d.share.At(vu), pass, vu, now, now)
			} else {
				d.pass[vu] = pass
			}
			continue
		}
		if d.place < min(d.total, e.reserve.upTo.Place) {
			d.busy[vu] = true
			d.place++
			e.begin(d.share.At(d.place-1), 0, vu, now, now)
		}
	}
	return never
}

func (d *work) change(e *engine, c change) {
	d.paused = schedule.PausedAt(c.all, c.at-e.run.begin)
}

func (d *work) ended(_ *engine, f *flight) { d.busy[f.vu] = false }

func (d *work) over() bool {
	for vu := range d.users {
		if d.busy[vu] || d.each && d.pass[vu] < d.all.Passes {
			return false
		}
	}
	return d.each || d.place >= d.total
}

func (d *work) stop(*engine, hyperscale.JobTime) {} // what nobody began was never due

func (d *work) reach() link.Reserve {
	if d.each {
		return link.Reserve{Pass: d.most}
	}
	return link.Reserve{Place: d.place}
}

// once is a workflow without load.
type once struct {
	began, done, failed bool
	reason              string
}

func (d *once) next(e *engine, now hyperscale.JobTime) hyperscale.JobTime {
	if !d.began {
		d.began = true
		e.begin(0, 0, 0, now, now)
	}
	return never
}

func (d *once) ended(_ *engine, f *flight) {
	d.done, d.failed = true, f.failed
	if f.failed {
		d.reason = "GET / failed"
	}
}
func (d *once) change(*engine, change)               {}
func (d *once) over() bool                           { return d.done }
func (d *once) stop(e *engine, _ hyperscale.JobTime) {}
