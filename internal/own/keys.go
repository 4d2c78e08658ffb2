package own

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"hyperscale"
	"hyperscale/internal/store"
)

// The keys. Names from outside are escaped, so that none holds a slash; numbers
// are hexadecimal and of one width, so that their order is that of the keys.
//
//	node/{id}                 who is there                     (session lease)
//	hold/{name}               a hold: node, session, epoch     (stays: its epoch only rises)
//	idem/{client}/{key}       digest of the request, job       (bucket lease)
//	spec/{sha256}/used        when it was last put or named
//	spec/{sha256}/{n}         chunk; the first is written last
//	job/{id}/head             what a job is and where it is
//	job/{id}/owner            node, session, epoch: the fence
//	job/{id}/ck               manifest
//	job/{id}/ck/{version}/{n} chunk of the records of one commit
//	job/{id}/ev/{seq}         the events of one commit up to seq
const (
	nodes = "node/"
	holds = "hold/"
	idems = "idem/"
	specs = "spec/"
	jobs  = "job/"
)

func nodeKey(node hyperscale.NodeID) string { return nodes + url.PathEscape(string(node)) }

func holdKey(name string) string { return holds + url.PathEscape(name) }

func idemKey(client, key string) string {
	return idems + url.PathEscape(client) + "/" + url.PathEscape(key)
}

func specKey(d Digest) string { return specs + url.PathEscape(string(d)) + "/" }

func specUsedKey(d Digest) string { return specKey(d) + "used" }

func specChunkKey(d Digest, n int) string { return specKey(d) + fmt.Sprintf("%04x", n) }

func jobKey(job hyperscale.JobID) string { return jobs + url.PathEscape(string(job)) + "/" }

func headKey(job hyperscale.JobID) string { return jobKey(job) + "head" }

func ownerKey(job hyperscale.JobID) string { return jobKey(job) + "owner" }

func manifestKey(job hyperscale.JobID) string { return jobKey(job) + "ck" }

func recordsKey(job hyperscale.JobID) string { return jobKey(job) + "ck/" }

func versionKey(job hyperscale.JobID, v Version) string {
	return recordsKey(job) + fmt.Sprintf("%016x/", uint64(v))
}

func chunkKey(job hyperscale.JobID, v Version, n int) string {
	return versionKey(job, v) + fmt.Sprintf("%04x", n)
}

func eventsKey(job hyperscale.JobID) string { return jobKey(job) + "ev/" }

func eventKey(job hyperscale.JobID, seq uint64) string {
	return eventsKey(job) + fmt.Sprintf("%016x", seq)
}

// jobOf reads whose a key below jobs is, and which: "head", "owner", "ck", ….
func jobOf(key string) (job hyperscale.JobID, which string, ok bool) {
	name, which, ok := strings.Cut(strings.TrimPrefix(key, jobs), "/")
	id, err := url.PathUnescape(name)
	return hyperscale.JobID(id), which, ok && err == nil && strings.HasPrefix(key, jobs)
}

func nodeOf(key string) (hyperscale.NodeID, bool) {
	id, err := url.PathUnescape(strings.TrimPrefix(key, nodes))
	return hyperscale.NodeID(id), err == nil && strings.HasPrefix(key, nodes)
}

// seqOf reads the number at the end of an event's key.
func seqOf(key string) (uint64, bool) {
	seq, err := strconv.ParseUint(key[strings.LastIndexByte(key, '/')+1:], 16, 64)
	return seq, err == nil
}

// next is the first key after one.
func next(key string) string { return key + "\x00" }

// is and absent are conditions of transactions.
func is(key string, mod store.Revision) store.If { return store.If{Key: key, Mod: mod} }

func absent(key string) store.If { return store.If{Key: key} }

func put(key string, value []byte) store.Op {
	return store.Op{Kind: store.Put, Key: key, Value: value}
}

func get(key string) store.Op { return store.Op{Key: key} }

// only is the entry that a Get found; its Mod is 0 if there is none.
func only(read []store.Entry) store.Entry {
	if len(read) == 0 {
		return store.Entry{}
	}
	return read[0]
}
