package storetest

import (
	"time"

	"hyperscale/internal/store"
)

// short is the shortest lease worth asking for; stores may make it longer.
const short = time.Second

func (f *fixture) grant(ttl time.Duration) store.LeaseID {
	f.Helper()
	id, err := f.Grant(f.ctx, ttl)
	if err != nil || id == 0 {
		f.Fatalf("granting a lease: %x, %v", id, err)
	}
	return id
}

func under(id store.LeaseID, key, value string) store.Op {
	return store.Op{Kind: store.Put, Key: key, Value: []byte(value), Lease: id}
}

func leaseEndsWhenUnrenewed(f *fixture) {
	began := time.Now()
	id := f.grant(short)
	start := f.do(under(id, "a", "1"), under(id, "b", "1"), put("c", "1")).Revision
	if e := f.do(get("a")).Read[0][0]; e.Lease != id {
		f.Errorf("put under lease %x, says %x", id, e.Lease)
	}
	gone := f.watch(start+1, 1)[0]
	f.want("what the end took along", changes(gone.events), "-a -b")
	if took := time.Since(began); took < short {
		f.Errorf("a lease of %v ended after %v", short, took)
	}
	f.want("what is left", f.all(), "c=1")
	_, err := f.Renew(f.ctx, id)
	f.wantError("renewing what has ended", err, store.ErrNoLease)
}

func leaseLivesWhileRenewed(f *fixture) {
	id := f.grant(short)
	f.do(under(id, "a", "1"))
	ttl, err := f.Renew(f.ctx, id)
	if err != nil || ttl < short {
		f.Fatalf("renewing: %v, %v", ttl, err)
	}
	tick := time.NewTicker(ttl / 4)
	defer tick.Stop()
	for range 6 { // longer than it lives alone
		<-tick.C
		if _, err := f.Renew(f.ctx, id); err != nil {
			f.Fatalf("renewing in time: %v", err)
		}
	}
	f.want("what it holds", f.all(), "a=1")
	if err := f.Revoke(f.ctx, id); err != nil {
		f.Errorf("revoking: %v", err)
	}
}

func leaseRevokedTakesItsKeys(f *fixture) {
	one, other := f.grant(time.Minute), f.grant(time.Minute)
	if one == other {
		f.Fatalf("two leases are both %x", one)
	}
	start := f.do(under(one, "b", "1"), under(other, "c", "1"), under(one, "a", "1")).Revision
	for range 2 { // twice is fine
		if err := f.Revoke(f.ctx, one); err != nil {
			f.Errorf("revoking: %v", err)
		}
	}
	f.want("what is left", f.all(), "c=1")
	call := f.watch(start+1, 1)[0]
	f.want("told at once", changes(call.events), "-a -b")
	if call.revision != start+1 {
		f.Errorf("the end of a lease took revisions up to %d from %d", call.revision, start)
	}
	if err := f.Revoke(f.ctx, other); err != nil {
		f.Errorf("revoking: %v", err)
	}
	if err := f.Revoke(f.ctx, 98765); err != nil {
		f.Errorf("revoking a lease that never was: %v", err)
	}
}

func leaseHoldsWhatWasPutLast(f *fixture) {
	one, other := f.grant(time.Minute), f.grant(time.Minute)
	f.do(under(one, "freed", "1"), under(one, "moved", "1"), under(one, "again", "1"), under(one, "kept", "1"))
	f.do(put("freed", "2"), under(other, "moved", "2"), remove("again"))
	f.do(put("again", "3"))
	if err := f.Revoke(f.ctx, one); err != nil {
		f.Errorf("revoking: %v", err)
	}
	f.want("after the first", f.all(), "again=3 freed=2 moved=2")
	if err := f.Revoke(f.ctx, other); err != nil {
		f.Errorf("revoking: %v", err)
	}
	f.want("after the second", f.all(), "again=3 freed=2")
}

func leaseThatEndedHoldsNothing(f *fixture) {
	id := f.grant(time.Minute)
	if err := f.Revoke(f.ctx, id); err != nil {
		f.Errorf("revoking: %v", err)
	}
	_, err := f.Txn(f.ctx, store.Txn{Then: []store.Op{put("a", "1"), under(id, "b", "1")}})
	f.wantError("putting under it", err, store.ErrNoLease)
	f.want("after that", f.all(), "")
	done := f.txn(store.Txn{If: []store.If{{Key: "b", Mod: 1}}, Then: []store.Op{under(id, "b", "1")}})
	if done.Held {
		f.Error("a condition on an absent key held")
	}
	_, err = f.Grant(f.ctx, 0)
	f.wantError("granting no time", err, store.ErrInvalid)
}
