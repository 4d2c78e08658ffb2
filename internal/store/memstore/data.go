package memstore

import (
	"slices"

	"hyperscale/internal/store"
)

// data is the keys with all their versions since the last compaction, and the
// changes in order.
type data struct {
	revision  store.Revision // of the last change
	compacted store.Revision // the first revision that can be read
	keys      []string       // those that have versions, sorted
	versions  map[string][]store.Event
	history   []change // from compacted on
}

// change is what one revision changed.
type change struct {
	revision store.Revision
	events   []store.Event
}

// within gives the part of a change that concerns the keys in [from, until).
func (c change) within(from, until string) []store.Event {
	var events []store.Event
	for _, e := range c.events {
		if store.Within(e.Key, from, until) {
			events = append(events, e)
		}
	}
	return events
}

func newData() data { return data{revision: 1, versions: make(map[string][]store.Event)} }

// at gives a key's entry as it was at a revision.
func (d *data) at(key string, revision store.Revision) (store.Entry, bool) {
	versions := d.versions[key]
	for i := len(versions) - 1; i >= 0; i-- {
		if versions[i].Mod <= revision {
			return versions[i].Entry, !versions[i].Deleted
		}
	}
	return store.Entry{}, false
}

// mod is the revision that last wrote a key; 0: it is not there.
func (d *data) mod(key string) store.Revision {
	e, there := d.at(key, d.revision)
	if !there {
		return 0
	}
	return e.Mod
}

// page reads keys in order, as they were at r.At.
func (d *data) page(r store.Range) (entries []store.Entry, more bool) {
	first, _ := slices.BinarySearch(d.keys, r.From)
	for _, key := range d.keys[first:] {
		if !store.Within(key, r.From, r.Until) {
			break
		}
		e, there := d.at(key, r.At)
		if !there {
			continue
		}
		if r.Limit > 0 && len(entries) == r.Limit {
			return entries, true
		}
		if r.KeysOnly {
			e.Value, e.Lease = nil, 0
		}
		entries = append(entries, copied(e))
	}
	return entries, false
}

// compact drops the versions that nobody can read any more.
func (d *data) compact(before store.Revision) {
	if before <= d.compacted {
		return
	}
	d.compacted = before
	d.keys = slices.DeleteFunc(d.keys, func(key string) bool {
		versions := d.versions[key]
		newest := len(versions) - 1
		for newest > 0 && versions[newest].Mod > before {
			newest--
		}
		versions = versions[newest:]
		if versions[0].Deleted {
			versions = versions[1:]
		}
		d.versions[key] = slices.Clone(versions)
		if len(versions) == 0 {
			delete(d.versions, key)
		}
		return len(versions) == 0
	})
	kept, _ := slices.BinarySearchFunc(d.history, before, func(c change, r store.Revision) int {
		return int(c.revision - r)
	})
	d.history = slices.Clone(d.history[kept:])
}

// since gives the first change from a revision on that concerns the keys in
// [from, until), and the revision to go on from.
func (d *data) since(revision store.Revision, from, until string) (change, store.Revision) {
	first, _ := slices.BinarySearchFunc(d.history, revision, func(c change, r store.Revision) int {
		return int(c.revision - r)
	})
	for _, c := range d.history[first:] {
		if events := c.within(from, until); len(events) > 0 {
			return change{c.revision, events}, c.revision + 1
		}
	}
	return change{}, max(revision, d.revision+1)
}

// writing is a change in the making: it reads what it wrote.
type writing struct {
	*data
	revision store.Revision
	events   []store.Event
}

func (d *data) begin() writing { return writing{data: d, revision: d.revision + 1} }

func (w *writing) get(key string) (store.Entry, bool) { return w.at(key, w.revision) }

func (w *writing) page(r store.Range) ([]store.Entry, bool) {
	r.At = w.revision
	return w.data.page(r)
}

func (w *writing) put(key string, value []byte, lease store.LeaseID) {
	w.write(store.Event{Entry: store.Entry{Key: key, Value: value, Mod: w.revision, Lease: lease}})
}

// delete does nothing to a key that is not there.
func (w *writing) delete(key string) {
	if _, there := w.get(key); there {
		w.write(store.Event{Entry: store.Entry{Key: key, Mod: w.revision}, Deleted: true})
	}
}

func (w *writing) write(e store.Event) {
	if at, there := slices.BinarySearch(w.keys, e.Key); !there {
		w.keys = slices.Insert(w.keys, at, e.Key)
	}
	w.versions[e.Key] = append(w.versions[e.Key], e)
	w.events = append(w.events, e)
}

func (d *data) commit(w writing) {
	d.revision = w.revision
	d.history = append(d.history, change{w.revision, w.events})
}
