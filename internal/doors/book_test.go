package doors

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/link"
)

func TestBook(t *testing.T) {
	b := book{map[string]*place{}}
	if got := b.name(0, "a:1", "", "b:1", "a:1"); !slices.Equal(got, []string{"a:1", "b:1"}) {
		t.Fatalf("fresh: %v", got)
	}
	if !b.greet(time.Second, "a:1", "m1") || b.greet(time.Second, "b:1", "m1") || b.links() != 1 {
		t.Error("of one parent there is one link")
	}
	if got := b.part(2*time.Second, "a:1"); !slices.Equal(got, []string{"b:1"}) || b.links() != 0 {
		t.Errorf("tried next: %v", got)
	}
	if !b.greet(3*time.Second, "b:1", "m1") {
		t.Error("it is not taken at its other address")
	}
	// What nobody names any more goes, unless it is linked.
	if got := b.sweep(forget + 2*time.Second); got != nil {
		t.Errorf("gone too soon: %v", got)
	}
	if got := b.sweep(forget + 2*time.Second + 1); !slices.Equal(got, []string{"a:1"}) {
		t.Errorf("gone: %v", got)
	}
	if b.greet(0, "a:1", "m2") || b.part(0, "a:1") != nil {
		t.Error("what was forgotten is known")
	}
	b.part(time.Hour, "b:1")
	b.name(time.Hour+forget, "b:1")
	if got := b.sweep(time.Hour + forget + time.Second); got != nil {
		t.Errorf("gone although it is named: %v", got)
	}
	if got := b.sweep(2 * time.Hour); len(b.places) != 0 || len(got) != 1 {
		t.Errorf("left: %v", b.places)
	}
}

// Whatever happens, of one parent there is at most one link, and nothing is kept
// of addresses that nobody names.
func TestBookProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := book{map[string]*place{}}
		address := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		node := rapid.SampledFrom([]hyperscale.NodeID{"m1", "m2"})
		now := time.Duration(0)
		for range rapid.IntRange(0, 50).Draw(t, "events") {
			now += time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "wait"))
			a := address.Draw(t, "address")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				b.name(now, a)
			case 1:
				if p := b.places[a]; p == nil || !p.linked { // a door has one connection
					n, had := node.Draw(t, "node"), b.links()
					if wanted := b.greet(now, a, n); wanted && b.links() != had+1 {
						t.Fatalf("%s is taken, %d links were and %d are", n, had, b.links())
					}
				}
			case 2:
				b.part(now, a)
			case 3:
				for _, gone := range b.sweep(now) {
					if b.places[gone] != nil {
						t.Fatalf("%s is kept", gone)
					}
				}
			}
			seen := map[hyperscale.NodeID]bool{}
			for _, p := range b.places {
				if p.linked && seen[p.node] {
					t.Fatalf("two links to %s", p.node)
				}
				seen[p.node] = seen[p.node] || p.linked
			}
		}
		for a := range b.places {
			b.part(now, a)
		}
		b.sweep(now + forget + time.Second)
		if len(b.places) > 0 {
			t.Fatalf("kept: %v", b.places)
		}
	})
}

// A parent is given up after three beats, later if this process itself was late.
func TestPulse(t *testing.T) {
	p := pulse{}
	at := time.Duration(0)
	silent := func(after time.Duration) bool { at += after; return p.look(at) }
	for range 12 {
		if silent(lookEach) {
			t.Fatalf("given up at %v", at)
		}
	}
	if !silent(lookEach) {
		t.Error("never given up")
	}
	p = pulse{heard: at, looked: at}
	if silent(20 * time.Second) {
		t.Error("given up for a stall of our own")
	}
	for range 20 {
		if silent(lookEach) {
			return
		}
	}
	t.Error("a stall of our own is never over")
}

// Of statements that wait, only the newest is sent; nothing else is left out.
func TestNewest(t *testing.T) {
	got := newest([]link.Up{link.Statement{Seq: 1}, link.Fenced{Job: "1"}, link.Statement{Seq: 2}, link.Fenced{Job: "2"}})
	if len(got) != 3 || got[1].(link.Statement).Seq != 2 {
		t.Errorf("%+v", got)
	}
	if got := newest(nil); got != nil {
		t.Errorf("%+v", got)
	}
}
