package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"hyperscale/internal/store"
)

func txnIsAllOrNothing(f *fixture) {
	done := f.do(put("a", "1"), put("b", "1"))
	if !done.Held {
		f.Error("a transaction without conditions did not hold")
	}
	f.want("after both", f.all(), "a=1 b=1")

	holds, fails := store.If{Key: "a", Mod: done.Revision}, store.If{Key: "b", Mod: done.Revision - 1}
	for _, conditions := range [][]store.If{{holds, fails}, {fails, holds}} {
		refused := f.txn(store.Txn{
			If:   conditions,
			Then: []store.Op{put("a", "2"), remove("b"), put("c", "2")},
			Else: []store.Op{get("a"), get("c")},
		})
		if refused.Held || refused.Revision != done.Revision {
			f.Errorf("one condition does not hold: %+v", refused)
		}
		f.want("what Else read", text(refused.Read[0])+"|"+text(refused.Read[1]), "a=1|")
		f.want("after a condition failed", f.all(), "a=1 b=1")
	}

	_, err := f.Txn(f.ctx, store.Txn{Then: []store.Op{
		put("a", "3"), {Kind: store.Put, Key: "c", Lease: 12345},
	}})
	f.wantError("putting under a lease that never was", err, store.ErrNoLease)
	f.want("after a lease was missing", f.all(), "a=1 b=1")
}

func txnConditionsOnRevisions(f *fixture) {
	first := f.do(put("a", "1")).Revision
	second := f.do(put("a", "1")).Revision // the same value is a change all the same
	for _, c := range []struct {
		what string
		If   store.If
		held bool
	}{
		{"now", store.If{Key: "a", Mod: second}, true},
		{"before", store.If{Key: "a", Mod: first}, false},
		{"there, wanted absent", store.If{Key: "a"}, false},
		{"absent", store.If{Key: "b"}, true},
		{"absent, wanted there", store.If{Key: "b", Mod: first}, false},
	} {
		if done := f.txn(store.Txn{If: []store.If{c.If}}); done.Held != c.held {
			f.Errorf("%s: held is %v", c.what, done.Held)
		}
	}
	f.do(remove("a"))
	if done := f.txn(store.Txn{If: []store.If{{Key: "a", Mod: second}}}); done.Held {
		f.Error("a deleted key has its revision still")
	}
	if done := f.txn(store.Txn{If: []store.If{{Key: "a"}}, Then: []store.Op{put("a", "2")}}); !done.Held {
		f.Error("a deleted key is not absent")
	}
}

func txnReadsWhatItWrites(f *fixture) {
	f.do(put("a", "1"), put("b", "1"), put("c", "1"))
	done := f.do(get("a"), put("a", "2"), get("a"),
		store.Op{Kind: store.DeleteRange, Key: "b", Until: "d"},
		store.Op{Kind: store.GetRange, Key: "a", Until: "z"}, get("b"))
	var read []string
	for _, entries := range done.Read {
		read = append(read, text(entries))
	}
	f.want("what was read", strings.Join(read, "|"), "a=1||a=2||a=2|")
	if e := done.Read[2][0]; e.Mod != done.Revision {
		f.Errorf("what was written at %d says %d", done.Revision, e.Mod)
	}
}

func txnRaisesTheRevisionByOne(f *fixture) {
	start := f.do(put("a", "1"), put("b", "1")).Revision
	f.do(get("a"))
	f.txn(store.Txn{If: []store.If{{Key: "a"}}, Then: []store.Op{put("a", "2")}, Else: []store.Op{get("a")}})
	f.do(remove("never was"))
	if r := f.do().Revision; r != start {
		f.Errorf("nothing was written, and the revision went from %d to %d", start, r)
	}
	if r := f.do(remove("a"), put("b", "2"), put("c", "2")).Revision; r != start+1 {
		f.Errorf("one transaction raised the revision from %d to %d", start, r)
	}
	if e := f.page(store.Range{From: "b", Until: "d"}).Entries; e[0].Mod != start+1 || e[1].Mod != start+1 {
		f.Errorf("written together, at %v", e)
	}
}

// sized gives a transaction of n operations that has so many bytes of keys and
// values.
func sized(n, size int) store.Txn {
	var t store.Txn
	for i := range n {
		key := fmt.Sprintf("k%03d", i)
		length := size / n
		if i == 0 {
			length += size % n
		}
		t.Then = append(t.Then, store.Op{Kind: store.Put, Key: key, Value: make([]byte, length-len(key))})
	}
	return t
}

func txnRefusesWhatIsTooLarge(f *fixture) {
	f.do(put("a", "1"))
	before := f.do().Revision
	spread := sized(store.MaxOps-1, 4096)
	spread.If = []store.If{{Key: "x"}, {Key: "y"}}
	long := put("k", "")
	long.Value = make([]byte, store.MaxValue+1)
	for what, t := range map[string]store.Txn{
		"operations":                sized(store.MaxOps+1, 4096),
		"operations and conditions": spread,
		"bytes":                     sized(2, store.MaxRequest+1),
		"bytes of one value":        {Then: []store.Op{long}},
		"bytes of keys":             {If: []store.If{{Key: strings.Repeat("k", store.MaxRequest+1)}}},
	} {
		_, err := f.Txn(f.ctx, t)
		f.wantError("too many "+what, err, store.ErrTooLarge)
	}
	if r := f.do().Revision; r != before {
		f.Errorf("what was refused raised the revision from %d to %d", before, r)
	}
	f.want("after all were refused", f.all(), "a=1")
}

func txnTakesTheLargest(f *fixture) {
	f.txn(sized(store.MaxOps, store.MaxRequest))
	f.do(store.Op{Kind: store.DeleteRange, Until: store.After("")})
	value := bytes.Repeat([]byte{0xff, 0, 7, '\n'}, store.MaxValue/4)
	f.do(store.Op{Kind: store.Put, Key: "\xff\x00 any bytes", Value: value})
	done := f.do(get("\xff\x00 any bytes"))
	if len(done.Read[0]) != 1 || !bytes.Equal(done.Read[0][0].Value, value) {
		f.Error("the largest value is not what was put")
	}
	f.do(put("empty", ""))
	if e := f.do(get("empty")).Read[0]; len(e) != 1 || len(e[0].Value) != 0 {
		f.Errorf("an empty value came back as %v", e)
	}
}

func txnRefusesMistakes(f *fixture) {
	for what, t := range map[string]store.Txn{
		"a write in Else":     {Else: []store.Op{put("a", "1")}},
		"a key put twice":     {Then: []store.Op{put("a", "1"), put("a", "2")}},
		"put and deleted":     {Then: []store.Op{put("a", "1"), remove("a")}},
		"put and range gone":  {Then: []store.Op{put("a", "1"), {Kind: store.DeleteRange, Key: "", Until: store.After("")}}},
		"no key":              {Then: []store.Op{put("", "1")}},
		"no key to look at":   {If: []store.If{{}}},
		"an unknown kind":     {Then: []store.Op{{Kind: 99, Key: "a"}}},
		"a value for reading": {Then: []store.Op{{Key: "a", Value: []byte("1")}}},
	} {
		_, err := f.Txn(f.ctx, t)
		f.wantError(what, err, store.ErrInvalid)
	}
	f.want("after all were refused", f.all(), "")
}

// txnsDoNotOverlap counts with several hands, each reading and then writing on
// condition that nobody wrote meanwhile.
func txnsDoNotOverlap(f *fixture) {
	const hands, each = 4, 10
	f.do(put("n", "0"))
	var wait sync.WaitGroup
	for range hands {
		wait.Go(func() {
			for range each {
				if err := f.count(); err != nil {
					f.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	f.want("counted together", f.all(), "n="+strconv.Itoa(hands*each))
}

func (f *fixture) count() error {
	for {
		page, err := f.Range(f.ctx, store.Range{From: "n", Until: "o"})
		if err != nil {
			return fmt.Errorf("reading the count: %w", err)
		}
		if len(page.Entries) != 1 {
			return errors.New("the count is gone")
		}
		n, _ := strconv.Atoi(string(page.Entries[0].Value))
		done, err := f.Txn(f.ctx, store.Txn{
			If:   []store.If{{Key: "n", Mod: page.Entries[0].Mod}},
			Then: []store.Op{put("n", strconv.Itoa(n+1))},
		})
		if err != nil {
			return fmt.Errorf("writing the count: %w", err)
		}
		if done.Held {
			return nil
		}
	}
}

func readsSeeWhatWasAnswered(f *fixture) {
	for i := range 20 {
		want := strconv.Itoa(i)
		revision := f.do(put("a", want)).Revision
		page := f.page(store.Range{From: "a", Until: "b"})
		f.want("range after put", text(page.Entries), "a="+want)
		if page.Revision < revision || page.Entries[0].Mod != revision {
			f.Errorf("written at %d, read %+v", revision, page)
		}
		f.want("get after put", text(f.do(get("a")).Read[0]), "a="+want)
	}
}

func bytesBelongToTheCaller(f *fixture) {
	value := []byte("mine")
	f.do(store.Op{Kind: store.Put, Key: "a", Value: value})
	copy(value, "over")
	page := f.page(store.Range{From: "a", Until: "b"})
	f.want("after what was put was overwritten", text(page.Entries), "a=mine")
	copy(page.Entries[0].Value, "over")
	read := f.do(get("a")).Read[0]
	f.want("after what was read was overwritten", text(read), "a=mine")
	copy(read[0].Value, "over")
	calls := f.watch(read[0].Mod, 1)
	f.want("after what was got was overwritten", changes(calls[0].events), "a=mine")
	copy(calls[0].events[0].Value, "over")
	f.want("after what was told was overwritten", f.all(), "a=mine")
}
