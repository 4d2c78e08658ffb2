package own

import (
	"bytes"
	"testing"

	"hyperscale"
	"hyperscale/internal/store"
)

// FuzzStored reads whatever may lie in a store, as each thing that is read from
// one: it is refused or taken, and what is taken is written as it was read.
func FuzzStored(f *testing.F) {
	f.Add("job/j/head", []byte(`{"v":1,"phase":"RUNNING","name":"shop","colour":"red"}`))
	f.Add("job/j/owner", []byte(`{"v":1,"node":"a","session":7,"epoch":2,"how":"evidence"}`))
	f.Add("job/j/ck", []byte(`{"v":1,"version":4294967297,"meta":"bQ==","pieces":[{"version":4294967297,"lengths":[3,0],"sum":1}],"events":3}`))
	f.Add("job/j/ck/0000000100000001/0000", []byte("abc"))
	f.Add("job/j/ev/0000000000000002", []byte(`{"v":1,"events":[{"Seq":1},{"Seq":2}]}`))
	f.Add("node/a", []byte(`{"v":1,"boot":3,"address":"a:1","version":"1"}`))
	f.Add("spec/00/used", []byte(`{"v":1,"at":"2026-05-04T12:00:00Z"}`))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		e := store.Entry{Key: key, Value: value, Mod: 1}
		if job, _, found := jobOf(key); found && len(jobKey(job)) == 0 {
			t.Error("a job without a key")
		}
		chunkOf(hyperscale.JobID("j"), key)
		_, _, _ = ReadOwnerChange(store.Event{Entry: e})
		_, _ = ReadNodeChange(store.Event{Entry: e})
		_, _ = ReadNodeChange(store.Event{Entry: e, Deleted: true})
		_, _ = readEvents(e)
		_, _ = Submission{}.answer(e)
		if h, err := readHead(value); err == nil {
			text, err := h.text()
			ok(t, err)
			again, err := readHead(text)
			ok(t, err)
			if twice, _ := again.text(); !bytes.Equal(text, twice) {
				t.Errorf("written as %s, then as %s", text, twice)
			}
		}
		if m, err := readManifest(e); err == nil {
			for _, p := range m.Pieces {
				_, _ = p.records(value)
			}
		}
	})
}
