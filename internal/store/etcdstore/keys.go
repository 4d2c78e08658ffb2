package etcdstore

import (
	"bytes"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"hyperscale/internal/store"
)

// span gives the keys of etcd that [from, until) means. Where that is nothing,
// both are the same: an empty end would mean the one key to etcd.
func (s *Store) span(from, until string) (first, end string) {
	first, end = s.prefix+from, s.prefix+until
	if until == store.After("") {
		end = store.After(s.prefix)
	}
	if first == "" {
		first = "\x00" // the first of all keys; etcd has no empty one
	}
	if end < first && end != store.After("") {
		end = first
	}
	return first, end
}

func (s *Store) entries(all []*mvccpb.KeyValue) []store.Entry {
	if len(all) == 0 {
		return nil
	}
	entries := make([]store.Entry, len(all))
	for i, kv := range all {
		entries[i] = s.entry(kv)
	}
	return entries
}

func (s *Store) entry(kv *mvccpb.KeyValue) store.Entry {
	return store.Entry{
		Key:   string(kv.Key[len(s.prefix):]),
		Value: kv.Value,
		Mod:   store.Revision(kv.ModRevision),
		Lease: store.LeaseID(kv.Lease),
	}
}

// event copies the value, which an etcd in this process gives to all who watch.
func (s *Store) event(kv *mvccpb.KeyValue, deleted bool) store.Event {
	e := store.Event{Entry: s.entry(kv), Deleted: deleted}
	e.Value = bytes.Clone(e.Value)
	return e
}
