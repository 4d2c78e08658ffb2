package route

import (
	"testing"
	"time"

	"hyperscale"
)

// known is the only datacenter that a router knows.
func known(t *testing.T, r *Router, now time.Duration) Datacenter {
	t.Helper()
	all := r.Datacenters(now)
	if len(all) != 1 {
		t.Fatalf("%d are known", len(all))
	}
	return all[0]
}

func TestASlowManagerIsUnhealthy(t *testing.T) {
	r := New(Config{})
	now := time.Duration(0)
	for _, node := range []hyperscale.NodeID{"m", "n", "o"} {
		r.Step(now, Manager{"a", node, Heard, false})
	}
	sample := func(n int, m, others time.Duration) {
		for range n {
			now += time.Second
			r.Step(now, Sampled{"a", "m", m})
			r.Step(now, Sampled{"a", "n", others})
			r.Step(now, Sampled{"a", "o", others})
		}
	}
	sample(100, 20*ms, 30*ms)
	sample(2, 201*ms, 300*ms)
	sample(29, 20*ms, 30*ms)
	if d := known(t, r, now); d.Ailing != 0 {
		t.Errorf("too early: %+v", d)
	}
	sample(1, 20*ms, 30*ms)
	if d := known(t, r, now); d.Ailing != 1 || d.Samples != 100 || d.RTT < 20*ms || d.RTT >= 30*ms {
		t.Errorf("m is slow: %+v", d)
	}
	r.Step(now, Manager{"a", "m", Ailing, false})
	if d := known(t, r, now); d.Ailing != 1 {
		t.Errorf("one manager is unhealthy: %+v", d)
	}
	r.Step(now, Manager{"a", "m", Silent, false})
	if d := known(t, r, now); d.Ailing != 0 || d.Heard != 2 || d.RTT < 30*ms {
		t.Errorf("m is silent: %+v", d)
	}
}

// With a manager all goes that was known of it, and with a datacenter likewise; of who
// is not known nothing is kept.
func TestWithAManagerAllGoes(t *testing.T) {
	r := New(Config{})
	for _, ev := range []Event{
		Sampled{"a", "m", ms}, Observed{"a", ms}, Failed{"a"}, Cut{"a"}, Healed{"a"}, Removed{"a"}, Manager{"a", "m", Gone, false},
	} {
		if notes := r.Step(0, ev); notes != nil || len(r.Datacenters(0)) != 0 {
			t.Errorf("%T: %v", ev, notes)
		}
	}
	r.Step(0, Manager{"a", "m", Heard, true})
	r.Step(0, Sampled{"a", "m", ms})
	r.Step(0, Sampled{"a", "n", ms})
	r.Step(0, Manager{"a", "n", Gone, false})
	if d := known(t, r, 0); d.Managers != 1 || d.Samples != 1 || d.RTT != ms || d.Open != 1 {
		t.Errorf("%+v", d)
	}
	r.Step(0, Manager{"a", "m", Gone, false})
	r.Step(0, Manager{"a", "m", Heard, false})
	if d := known(t, r, 0); d.Managers != 1 || d.Samples != 0 || d.RTT != 100*ms || d.Open != 0 {
		t.Errorf("%+v", d)
	}
	r.Step(0, Observed{"a", ms})
	r.Step(0, Removed{"a"})
	r.Step(0, Expected{"a"})
	if d := known(t, r, 0); d.Managers != 0 || d.Believed != 0 || d.Failed {
		t.Errorf("%+v", d)
	}
}

// What was chosen before loses its place to what is better by enough, and to no less.
func TestHysteresis(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(w *Wish, a, b *Datacenter)
		want   string
	}{
		{"0.8 of it", func(*Wish, *Datacenter, *Datacenter) {}, "a"},
		{"less", func(_ *Wish, _, b *Datacenter) { b.RTT-- }, "b"},
		{"less, too early", func(w *Wish, _, b *Datacenter) { b.RTT, w.Held = ms, 30*time.Second-1 }, "a"},
		{"much worse, however early", func(w *Wish, a, _ *Datacenter) { a.Worse, w.Held = []string{"b"}, 0 }, "b"},
		{"much worse than another", func(w *Wish, a, _ *Datacenter) { a.Worse, w.Held = []string{"c"}, 0 }, "a"},
		{"was much worse, and is better now", func(_ *Wish, a, b *Datacenter) { a.Worse, b.RTT = []string{"b"}, 21*ms }, "a"},
		{"better, and of a lower class", func(_ *Wish, _, b *Datacenter) { b.RTT, b.Heard = ms, 1 }, "a"},
		{"dead", func(_ *Wish, a, _ *Datacenter) { a.Workers = 0 }, "b"},
	} {
		a, b, w := fine("a"), fine("b"), Wish{Current: []string{"a"}, Held: 30 * time.Second}
		b.RTT = 16 * ms
		test.change(&w, &a, &b)
		if got := choose(Config{}.withDefaults(), w, []Datacenter{a, b}).Chosen[0].Datacenter; got != test.want {
			t.Errorf("%s: %s, not %s", test.name, got, test.want)
		}
	}
}

// Much worse is 1.5 times, at each second for 10 s.
func TestMuchWorse(t *testing.T) {
	for _, test := range []struct {
		a    time.Duration
		want int
	}{{30 * ms, 1}, {30*ms - 1000, 0}} {
		r := New(Config{})
		worse := func(now time.Duration) int { return len(r.Datacenters(now)[0].Worse) }
		for name, rtt := range map[string]time.Duration{"a": test.a, "b": 20 * ms} {
			r.Step(0, Manager{name, "m", Heard, false})
			r.Step(0, Sampled{name, "m", rtt})
			r.Step(0, Stated{Datacenter: name, Capacity: fine(name).Capacity})
		}
		for second := range 10 {
			r.Step(time.Duration(second)*time.Second, Tick{})
		}
		if worse(10*time.Second-1) != 0 || worse(10*time.Second) != test.want {
			t.Errorf("%v: %+v", test.a, r.Datacenters(10 * time.Second)[0])
		}
	}
}
