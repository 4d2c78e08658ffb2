package lapse

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
	"hyperscale/internal/stats"
	"hyperscale/internal/worker/agent"
)

// shares of any division, that begin at any time.
func shares(t *rapid.T) hyperscale.Share {
	of := rapid.Int64Range(1, 9).Draw(t, "of")
	lo := rapid.Int64Range(0, of-1).Draw(t, "lo")
	s := hyperscale.Share{Lo: lo, Hi: rapid.Int64Range(lo+1, of).Draw(t, "hi"), Of: of}
	if rapid.Bool().Draw(t, "covers") {
		s.From = times(t, "since")
	}
	return s
}

func times(t *rapid.T, name string) time.Duration {
	return time.Duration(rapid.Int64Range(0, int64(12*time.Second)).Draw(t, name))
}

func openLoad(t *rapid.T) Load {
	l := Load{Source: 7, First: hyperscale.Slot(rapid.Int64Range(0, 1000).Draw(t, "first")), Warmup: times(t, "warmup")}
	l.Kind, l.Poisson = hyperscale.LoadOpen, rapid.Bool().Draw(t, "poisson")
	for range rapid.IntRange(1, 3).Draw(t, "stages") {
		rate := func(name string) int64 {
			return rapid.Int64Range(0, 50).Draw(t, name) * int64(hyperscale.PerSecond)
		}
		l.Stages = append(l.Stages, hyperscale.Stage{From: rate("from"), To: rate("to"), Over: times(t, "over") + 1})
	}
	if rapid.Bool().Draw(t, "counted") {
		l.Arrivals = rapid.Int64Range(1, 100).Draw(t, "arrivals")
	}
	return l
}

// adjustments of the load, and of another one.
func adjustments(t *rapid.T) []hyperscale.Adjustment {
	var list []hyperscale.Adjustment
	at := time.Duration(0)
	for i, do := range rapid.SliceOfN(rapid.SampledFrom([]hyperscale.AdjustKind{
		hyperscale.AdjustRate, hyperscale.AdjustPause, hyperscale.AdjustResume,
	}), 0, 4).Draw(t, "do") {
		at += times(t, "after")
		list = append(list, hyperscale.Adjustment{
			Number: uint64(i + 1), Workflow: rapid.SampledFrom([]string{"w", "w", "other"}).Draw(t, "workflow"), At: at, Do: do,
			Rate: hyperscale.Rate(rapid.Int64Range(0, 50).Draw(t, "rate")) * hyperscale.PerSecond,
		})
	}
	return list
}

// checkParts holds losses to their form: they follow each other from the last
// window to where another goes on, each in one stretch of the load.
func checkParts(t *rapid.T, l *Load, g agent.Gone, end hyperscale.JobTime, losses []stats.Losses) {
	at := max(g.Reach, g.Begin, g.Hold.Share.From)
	for _, x := range losses {
		if x.From != at || x.To < x.From {
			t.Fatalf("a part of %v … %v, the one before ended at %v", x.From, x.To, at)
		}
		var want stats.Stretch
		switch {
		case x.From >= end:
			want = stats.InGrace
		case x.From < g.Begin+l.Warmup:
			want = stats.InWarmup
		}
		crosses := x.From < g.Begin+l.Warmup && x.To > g.Begin+l.Warmup && x.To <= end || x.From < end && x.To > end
		if x.Stretch != want || crosses {
			t.Fatalf("%+v with begin %v warm-up %v end %v", x, g.Begin, l.Warmup, end)
		}
		at = x.To
	}
	if at != max(g.Back, g.Reach, g.Begin, g.Hold.Share.From) {
		t.Fatalf("the parts end at %v, another goes on at %v", at, g.Back)
	}
}

// However often engines die, however late the slots were that they told of, and
// whatever adjustments they had not heard of: what windows told, what lapsed and what
// the last engine does are the schedule, and no slot is begun again.
func TestArrivalsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, share, begin := openLoad(t), shares(t), times(t, "begin")
		if rapid.Bool().Draw(t, "adjusted") {
			l.Adjustments = adjustments(t)
		}
		changes := schedule.Changes(l.Adjustments, "w", begin)
		var under []*schedule.Arrivals // so many of the changes
		for i := range len(changes) + 1 {
			under = append(under, schedule.NewArrivals(l.Load, l.Source, changes[:i]...))
		}
		before := func(all *schedule.Arrivals, when hyperscale.JobTime) int64 {
			return share.Count(int64(l.First) + all.Before(max(when-begin, 0)))
		}
		all := under[len(changes)]
		next, last := before(all, share.From), share.Count(int64(l.First)+all.Total())
		first := next
		var told uint64
		reach, now, heard := hyperscale.JobTime(0), max(begin, share.From), 0
		for range rapid.IntRange(0, 4).Draw(t, "deaths") {
			// The engine goes on at now and tells a part of what is due until it dies.
			heard = rapid.IntRange(heard, len(changes)).Draw(t, "heard")
			died := now + times(t, "lives")
			begun := max(before(under[heard], died), next)
			windows := (died - rapid.SampledFrom([]time.Duration{0, 10 * time.Millisecond}).Draw(t, "late")).Truncate(time.Second)
			if windows > now {
				behind := windows - min(times(t, "behind")/1000, windows-now)
				more := max(before(under[heard], behind)-next, 0)
				told, next, reach = told+uint64(more), next+more, windows
			}
			g := agent.Gone{
				Hold: link.Hold{Workflow: "w", Share: share}, Begin: begin, Reach: reach, Due: told,
				Died: died, Back: died + times(t, "away"),
			}
			if heard > 0 {
				g.Adjustment = changes[heard-1].Number
			}
			lapse := l.Of(g)
			checkParts(t, &l, g, begin+all.End(), lapse.Losses)
			var lost, missed uint64
			for _, x := range lapse.Losses {
				lost, missed = lost+x.Lost, missed+x.Missed
				reach = max(reach, x.To)
			}
			told += lost + missed
			most := next
			for _, a := range under[heard:] {
				most = max(most, before(a, died))
			}
			if lost < uint64(max(before(all, died), begun)-next) || lost > uint64(most-next) {
				t.Fatalf("lost %d; %d were due before the death and not told of, and at most %d", lost, before(all, died)-next, most-next)
			}
			if lapse.Over || lapse.Next.Place < begun || lapse.Next.Place != first+int64(told) {
				t.Fatalf("another goes on with %+v; %d were begun, %d are told of", lapse, begun, told)
			}
			now, next = g.Back, max(before(all, g.Back), lapse.Next.Place)
			if next != lapse.Next.Place {
				t.Fatalf("another goes on at %d, and %d were due", lapse.Next.Place, next)
			}
		}
		if total := uint64(max(last, next) - first); told+uint64(max(last-next, 0)) != total {
			t.Fatalf("%d of %d slots", told, total)
		}
	})
}

// Slots due while nothing ran are missed, those the engine may have started lost.
func TestArrivals(t *testing.T) {
	tenEach := hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{
		{From: 10 * int64(hyperscale.PerSecond), To: 10 * int64(hyperscale.PerSecond), Over: 10 * time.Second},
	}}
	l := Load{Load: tenEach, Warmup: 5 * time.Second}
	g := agent.Gone{
		Hold: link.Hold{Share: hyperscale.Whole}, Begin: time.Second, Reach: 5 * time.Second, Due: 38,
		Died: 5500 * time.Millisecond, Back: 12500 * time.Millisecond,
	}
	want := []stats.Losses{
		{Interval: stats.Interval{From: 5 * time.Second, To: 6 * time.Second, Stretch: stats.InWarmup}, Lost: 2 + 5, Missed: 5},
		{Interval: stats.Interval{From: 6 * time.Second, To: 11 * time.Second}, Missed: 50},
		{Interval: stats.Interval{From: 11 * time.Second, To: 12500 * time.Millisecond, Stretch: stats.InGrace}},
	}
	got := l.Of(g).Losses
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("part %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

// Loads of work go on at the reserve: told, lost and left are all of it.
func TestWorkAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Load{Load: hyperscale.Load{
			Kind: rapid.SampledFrom([]hyperscale.LoadKind{hyperscale.LoadIterations, hyperscale.LoadEach}).Draw(t, "kind"),
			VUs:  rapid.Int64Range(1, 20).Draw(t, "vus"), Iterations: rapid.Int64Range(20, 5000).Draw(t, "iterations"),
		}}
		if rapid.Bool().Draw(t, "capped") {
			l.For = times(t, "for") + 1
		}
		share := shares(t)
		share.From = 0
		w := schedule.NewIterations(l.Load)
		cut, some := w.Share(share)
		if !some {
			return
		}
		slots := cut.Count(w.Slots)
		if covers := rapid.Int64Range(0, 10).Draw(t, "covers"); l.Kind == hyperscale.LoadIterations {
			l.From.Place = min(covers, slots)
		} else {
			l.From.Pass = min(covers, l.Iterations)
		}
		done := func(r link.Reserve) int64 { // work before a reserve, of the turn
			if l.Kind == hyperscale.LoadEach {
				return (r.Pass - l.From.Pass) * slots
			}
			return r.Place - l.From.Place
		}
		whole := done(link.Reserve{Place: slots, Pass: l.Iterations})
		reserve, told := link.Reserve{}, uint64(0)
		g := agent.Gone{Hold: link.Hold{Share: share}}
		for range rapid.IntRange(0, 4).Draw(t, "deaths") {
			if rapid.Bool().Draw(t, "told") {
				more := rapid.Int64Range(1, 100).Draw(t, "more")
				at := l.resume(share, reserve)
				reserve = link.Reserve{Place: min(at.Place+more, slots), Pass: min(at.Pass+more, l.Iterations)}
			}
			at := l.resume(share, reserve)
			told += uint64(rapid.Int64Range(0, max(done(at)-int64(told), 0)).Draw(t, "windows"))
			g.Died += times(t, "lives")
			g.Back = g.Died + times(t, "away")
			g.Due, g.Reserve = told, reserve
			end := never
			if l.For > 0 {
				end = l.For
			}
			lapse := l.Of(g)
			checkParts(t, &l, g, end, lapse.Losses)
			for i, x := range lapse.Losses {
				if told += x.Lost; x.Missed > 0 || i > 0 && x.Lost > 0 || lapse.Over {
					t.Fatalf("%+v", lapse)
				}
			}
			if int64(told) != done(at) {
				t.Fatalf("told and lost are %d, another goes on after %d", told, done(at))
			}
			g.Reach, g.Died = g.Back, g.Back
		}
		if left := whole - done(l.resume(share, reserve)); left < 0 || whole < int64(told) {
			t.Fatalf("told %d, left %d of %d", told, left, whole)
		}
	})
}

// An engine that died before it told of a reserve may have begun as much as needs
// no word; none of it is begun again.
func TestNothingTold(t *testing.T) {
	l := Load{Load: hyperscale.Load{Kind: hyperscale.LoadIterations, VUs: 2, Iterations: 1000}, From: link.Reserve{Place: 100}}
	ahead, _ := schedule.Ahead(l.Load, hyperscale.Whole)
	if got := l.resume(hyperscale.Whole, link.Reserve{}); got.Place != 100+ahead || ahead == 0 {
		t.Errorf("goes on at %d", got.Place)
	}
	if got := l.resume(hyperscale.Whole, link.Reserve{Place: 400}); got.Place != 400 {
		t.Errorf("goes on at %d", got.Place)
	}
	if got := l.resume(hyperscale.Whole, link.Reserve{Place: 4000}); got.Place != 1000 {
		t.Errorf("goes on at %d", got.Place)
	}
}

// One iteration can't go on. A closed load is due nothing while nobody runs it.
func TestOnceAndClosed(t *testing.T) {
	once := Load{}
	g := agent.Gone{Hold: link.Hold{Share: hyperscale.Whole}, Died: time.Second, Back: 2 * time.Second}
	if got := once.Of(g); !got.Over || len(got.Losses) != 1 || got.Losses[0].Lost != 1 {
		t.Errorf("%+v", got)
	}
	g.Due = 1
	if got := once.Of(g); !got.Over || got.Losses[0].Lost != 0 {
		t.Errorf("%+v", got)
	}
	closed := Load{Load: hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 3, To: 3, Over: 1500 * time.Millisecond}}}}
	got := closed.Of(g)
	if got.Over || len(got.Losses) != 2 || got.Losses[1].Stretch != stats.InGrace || got.Losses[0].To != 1500*time.Millisecond {
		t.Errorf("%+v", got)
	}
	if r := closed.resume(hyperscale.Whole, link.Reserve{Pass: 70}); r.Pass != 70 {
		t.Errorf("%+v", r)
	}
}
