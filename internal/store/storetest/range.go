package storetest

import (
	"time"

	"hyperscale/internal/store"
)

func rangeReadsInOrder(f *fixture) {
	f.do(put("b/2", "x"), put("a", "x"), under(f.grant(time.Minute), "b/10", "x"), put("c", "x"), put("b", "x"))
	page := f.page(store.Range{From: "b/", Until: store.After("b/")})
	f.want("in order of bytes", text(page.Entries), "b/10=x b/2=x")
	page = f.page(store.Range{From: "b", Until: "c", KeysOnly: true})
	f.want("keys alone", text(page.Entries), "b= b/10= b/2=")
	if page.More || page.Entries[0].Mod != page.Revision || page.Entries[1].Lease != 0 {
		f.Errorf("keys alone have their revisions: %+v", page)
	}
}

func rangePagesAtARevision(f *fixture) {
	f.do(put("a", "1"), put("b", "1"), put("c", "1"), put("d", "1"), put("e", "1"))
	r := store.Range{From: "a", Until: "z", Limit: 2}
	page := f.page(r)
	f.want("first page", text(page.Entries), "a=1 b=1")
	if !page.More {
		f.Error("the first page does not say that there is more")
	}
	f.do(put("c", "2"), remove("d"), put("bb", "2"))
	r.From, r.At = "b\x00", page.Revision
	page = f.page(r)
	f.want("second page, as it was", text(page.Entries), "c=1 d=1")
	if page.Revision != r.At {
		f.Errorf("read at %d, says %d", r.At, page.Revision)
	}
	r.From = "d\x00"
	page = f.page(r)
	f.want("last page, as it was", text(page.Entries), "e=1")
	if page.More {
		f.Error("the last page says that there is more")
	}
	r.From, r.Limit = "d", 2
	if page = f.page(r); page.More || len(page.Entries) != 2 {
		f.Errorf("a page that is just full: %+v", page)
	}
	f.want("as it is", f.all(), "a=1 b=1 bb=2 c=2 e=1")
}

func rangeHasEnds(f *fixture) {
	f.do(put("a", "1"), put("b", "1"), put("\xff\xff", "1"))
	for _, c := range []struct{ from, until, want string }{
		{"", store.After(""), "a=1 b=1 \xff\xff=1"},
		{"b", store.After(""), "b=1 \xff\xff=1"},
		{"\xff", store.After("\xff"), "\xff\xff=1"},
		{"a", "b", "a=1"},
		{"a", "a", ""},
		{"b", "a", ""},
		{"a", "", ""},
		{"", "", ""},
	} {
		page := f.page(store.Range{From: c.from, Until: c.until})
		f.want("from "+c.from+" until "+c.until, text(page.Entries), c.want)
		read := f.do(store.Op{Kind: store.GetRange, Key: c.from, Until: c.until}).Read[0]
		f.want("in a transaction, from "+c.from+" until "+c.until, text(read), c.want)
	}
	f.do(store.Op{Kind: store.DeleteRange, Key: "a", Until: ""})
	f.do(store.Op{Kind: store.DeleteRange, Key: "b", Until: "a"})
	f.want("after nothing was deleted", f.all(), "a=1 b=1 \xff\xff=1")
	f.do(store.Op{Kind: store.DeleteRange, Key: "a", Until: "b"})
	f.want("after a was deleted", f.all(), "b=1 \xff\xff=1")
	f.do(store.Op{Kind: store.DeleteRange, Until: store.After("")})
	f.want("after all was deleted", f.all(), "")
}

func rangeOfTheFutureIsRefused(f *fixture) {
	now := f.do(put("a", "1")).Revision
	_, err := f.Range(f.ctx, store.Range{Until: store.After(""), At: now + 1000})
	f.wantError("reading at a revision to come", err, store.ErrInvalid)
}

func compactedIsTold(f *fixture) {
	keeper, can := f.Store.(Compacter)
	if !can {
		f.Skip("the store can't compact")
	}
	first := f.do(put("a", "1"), put("gone", "1")).Revision
	f.do(put("a", "2"), remove("gone"))
	last := f.do(put("a", "3")).Revision
	if err := keeper.Compact(f.ctx, last); err != nil {
		f.Fatalf("compacting: %v", err)
	}
	all := store.After("")
	_, err := f.Range(f.ctx, store.Range{Until: all, At: first})
	f.wantError("reading from before", err, store.ErrCompacted)
	err = f.Watch(f.ctx, "", all, first, func(store.Revision, []store.Event) error { return errEnough })
	f.wantError("watching from before", err, store.ErrCompacted)
	f.want("at the revision itself", text(f.page(store.Range{Until: all, At: last}).Entries), "a=3")
	f.want("watched from it", changes(f.watch(last, 1)[0].events), "a=3")
	f.want("now", f.all(), "a=3")
	gone := f.do(remove("a")).Revision
	if err := keeper.Compact(f.ctx, gone); err != nil {
		f.Fatalf("compacting: %v", err)
	}
	f.want("watched from a deletion that was compacted to", changes(f.watch(gone, 1)[0].events), "-a")
	f.want("after it", f.all(), "")
	if err := keeper.Compact(f.ctx, gone); err != nil {
		f.Errorf("compacting to the same: %v", err)
	}
	if err := keeper.Compact(f.ctx, first); err != nil {
		f.Errorf("compacting to less: %v", err)
	}
}
