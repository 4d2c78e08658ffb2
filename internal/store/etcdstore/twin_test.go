package etcdstore

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hyperscale/internal/store"
	"hyperscale/internal/store/memstore"
)

// twins are an etcd and a memstore that are given the same. Their revisions are
// apart by a constant, their leases have different numbers.
type twins struct {
	*testing.T
	etcd, memory store.Store
	apart        store.Revision
	leases       [][2]store.LeaseID
	first, last  store.Revision // of memory, since both are the same
}

// Whatever is done to both, the store in memory answers as etcd does: what held,
// what was read, and what was watched in the end.
func TestMemstoreIsAnEtcd(t *testing.T) {
	t.Parallel()
	n := startAll(t, configs(t, 1))[0]
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		w := &twins{T: t, etcd: newStore(n.door, fmt.Sprintf("/twin/%d/", run)), memory: memstore.New(nil)}
		w.meet()
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			w.step(rt)
		}
		w.compareHistory(rt)
	})
}

func (w *twins) meet() {
	one := store.Txn{Then: []store.Op{{Kind: store.Put, Key: "met"}}}
	e, err := w.etcd.Txn(w.Context(), one)
	if err != nil {
		w.Fatal(err)
	}
	m, err := w.memory.Txn(w.Context(), one)
	if err != nil {
		w.Fatal(err)
	}
	w.apart, w.first, w.last = e.Revision-m.Revision, m.Revision, m.Revision
	w.leases = [][2]store.LeaseID{{}}
}

func (w *twins) step(rt *rapid.T) {
	switch rapid.SampledFrom([]string{"txn", "txn", "txn", "txn", "range", "range", "grant", "revoke"}).Draw(rt, "step") {
	case "txn":
		w.txn(rt)
	case "range":
		w.read(rt)
	case "grant":
		e, err := w.etcd.Grant(w.Context(), 3600e9)
		m, err2 := w.memory.Grant(w.Context(), 3600e9)
		if err := errors.Join(err, err2); err != nil {
			rt.Fatal(err)
		}
		w.leases = append(w.leases, [2]store.LeaseID{e, m})
	case "revoke":
		l := rapid.SampledFrom(w.leases).Draw(rt, "lease")
		if l[0] == 0 {
			return
		}
		if err := errors.Join(w.etcd.Revoke(w.Context(), l[0]), w.memory.Revoke(w.Context(), l[1])); err != nil {
			rt.Fatal(err)
		}
		m, _ := w.memory.Range(w.Context(), store.Range{})
		w.last = m.Revision
	}
}

func drawKey(rt *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "b/1", "b/2", "c", "\xff"}).Draw(rt, "key")
}

func drawUntil(rt *rapid.T) string {
	return rapid.SampledFrom([]string{"", "a", "b", "b0", "c", store.After("")}).Draw(rt, "until")
}

// txn does a random transaction to both; only leases and revisions are written
// differently.
func (w *twins) txn(rt *rapid.T) {
	var forEtcd, forMemory store.Txn
	for range rapid.IntRange(0, 2).Draw(rt, "conditions") {
		c := store.If{Key: drawKey(rt)}
		if back := rapid.IntRange(-1, 4).Draw(rt, "back"); back >= 0 {
			c.Mod = max(w.last-store.Revision(back), 0)
		}
		forMemory.If = append(forMemory.If, c)
		if c.Mod != 0 {
			c.Mod += w.apart
		}
		forEtcd.If = append(forEtcd.If, c)
	}
	for range rapid.IntRange(0, 4).Draw(rt, "operations") {
		op := store.Op{Kind: store.Kind(rapid.IntRange(0, 4).Draw(rt, "kind")), Key: drawKey(rt)}
		if op.Kind == store.GetRange || op.Kind == store.DeleteRange {
			op.Until = drawUntil(rt)
		}
		other := op
		if op.Kind == store.Put {
			l := rapid.SampledFrom(w.leases).Draw(rt, "lease")
			op.Value, op.Lease, other.Lease = []byte{byte(len(forEtcd.Then))}, l[0], l[1]
			other.Value = op.Value
		}
		forEtcd.Then, forMemory.Then = append(forEtcd.Then, op), append(forMemory.Then, other)
	}
	forEtcd.Else = []store.Op{{Kind: store.GetRange, Until: store.After("")}}
	forMemory.Else = forEtcd.Else
	e, err := w.etcd.Txn(w.Context(), forEtcd)
	m, err2 := w.memory.Txn(w.Context(), forMemory)
	if !errors.Is(kindOf(err), kindOf(err2)) {
		rt.Fatalf("%+v: etcd says %v, memory %v", forMemory, err, err2)
	}
	if err != nil {
		return
	}
	w.last = m.Revision
	if e.Held != m.Held || e.Revision != m.Revision+w.apart || len(e.Read) != len(m.Read) {
		rt.Fatalf("%+v: etcd did %+v, memory %+v", forMemory, e, m)
	}
	for i := range e.Read {
		w.same(rt, e.Read[i], m.Read[i])
	}
}

func kindOf(err error) error {
	for _, k := range []error{store.ErrInvalid, store.ErrNoLease, store.ErrCompacted, store.ErrTooLarge} {
		if errors.Is(err, k) {
			return k
		}
	}
	return err
}

func (w *twins) read(rt *rapid.T) {
	r := store.Range{From: drawKey(rt), Until: drawUntil(rt), Limit: rapid.IntRange(0, 2).Draw(rt, "limit"),
		KeysOnly: rapid.Bool().Draw(rt, "keys only"), At: w.last - store.Revision(rapid.IntRange(0, 3).Draw(rt, "back"))}
	r.At = max(r.At, w.first)
	m, err := w.memory.Range(w.Context(), r)
	other := r
	other.At += w.apart
	e, err2 := w.etcd.Range(w.Context(), other)
	if err := errors.Join(err, err2); err != nil {
		rt.Fatal(err)
	}
	if e.More != m.More || e.Revision != m.Revision+w.apart {
		rt.Fatalf("%+v: etcd read %+v, memory %+v", r, e, m)
	}
	w.same(rt, e.Entries, m.Entries)
}

func (w *twins) same(rt *rapid.T, e, m []store.Entry) {
	if len(e) != len(m) {
		rt.Fatalf("etcd read %+v, memory %+v", e, m)
	}
	for i := range e {
		if !w.alike(e[i], m[i]) {
			rt.Fatalf("etcd read %+v, memory %+v", e[i], m[i])
		}
	}
}

func (w *twins) alike(e, m store.Entry) bool {
	return e.Key == m.Key && string(e.Value) == string(m.Value) && e.Mod == m.Mod+w.apart &&
		slices.Contains(w.leases, [2]store.LeaseID{e.Lease, m.Lease})
}

// compareHistory watches both from the start and wants the same told.
func (w *twins) compareHistory(rt *rapid.T) {
	e, m := w.history(rt, w.etcd, w.first+w.apart, w.last+w.apart), w.history(rt, w.memory, w.first, w.last)
	if len(e) != len(m) {
		rt.Fatalf("etcd told %+v, memory %+v", e, m)
	}
	for i := range e {
		if e[i].Deleted != m[i].Deleted || !w.alike(e[i].Entry, m[i].Entry) {
			rt.Fatalf("etcd told %+v, memory %+v", e[i], m[i])
		}
	}
}

func (w *twins) history(rt *rapid.T, s store.Store, since, last store.Revision) []store.Event {
	var all []store.Event
	enough := errors.New("enough")
	err := s.Watch(w.Context(), "", store.After(""), since, func(r store.Revision, events []store.Event) error {
		all = append(all, events...)
		if r >= last {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		rt.Fatal(err)
	}
	return all
}
