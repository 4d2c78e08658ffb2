package own

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"hyperscale"
	"hyperscale/internal/store"
)

// Saved is what is stored of a job, all of it at one revision.
type Saved struct {
	Job      hyperscale.JobID
	Head     Head
	Owner    Owner    // zero: nobody
	Version  Version  // of the last commit; 0: none
	Meta     []byte   // of the last commit
	Records  [][]byte // of the last base and all commits since, in order
	Events   uint64   // number of the last event
	Revision store.Revision
}

// pageOfChunks is how many chunks are read at once.
const pageOfChunks = 16

// Load reads all that is stored of a job and checks it. [ErrNotFound]: there is
// no such job; it means that only because the read is linearizable.
// [ErrDamaged]: some of it is not what was written.
func Load(ctx context.Context, st store.Store, job hyperscale.JobID) (Saved, error) {
	saved, _, _, err := loadAll(ctx, st, job)
	return saved, err
}

// loadAll also gives the manifest and its revision.
func loadAll(ctx context.Context, st store.Store, job hyperscale.JobID) (saved Saved, m manifest, mod store.Revision, err error) {
	for range attempts {
		saved, m, mod, err = loadOnce(ctx, st, job)
		if !errors.Is(err, store.ErrCompacted) { // while it was read; what is newer can be
			break
		}
	}
	if err != nil {
		return Saved{}, manifest{}, 0, fmt.Errorf("loading job %s: %w", job, err)
	}
	return saved, m, mod, nil
}

func loadOnce(ctx context.Context, st store.Store, job hyperscale.JobID) (Saved, manifest, store.Revision, error) {
	saved, m, mod, err := loadHead(ctx, st, job)
	if err != nil {
		return Saved{}, manifest{}, 0, err
	}
	streams, err := loadStreams(ctx, st, job, m, saved.Revision)
	if err != nil {
		return Saved{}, manifest{}, 0, err
	}
	for _, p := range m.Pieces {
		records, err := p.records(streams[p.Version])
		if err != nil {
			return Saved{}, manifest{}, 0, err
		}
		saved.Records = append(saved.Records, records...)
	}
	return saved, m, mod, nil
}

// loadHead reads all but the records.
func loadHead(ctx context.Context, st store.Store, job hyperscale.JobID) (Saved, manifest, store.Revision, error) {
	fail := func(err error) (Saved, manifest, store.Revision, error) { return Saved{}, manifest{}, 0, err }
	read, err := st.Txn(ctx, store.Txn{Then: []store.Op{get(headKey(job)), get(ownerKey(job)), get(manifestKey(job))}})
	if err != nil {
		return fail(unanswered(err))
	}
	stored := only(read.Read[0])
	if stored.Mod == 0 {
		return fail(ErrNotFound)
	}
	saved := Saved{Job: job, Revision: read.Revision}
	if saved.Head, err = readHead(stored.Value); err != nil {
		return fail(err)
	}
	if saved.Owner, err = readOwner(only(read.Read[1])); err != nil {
		return fail(err)
	}
	at := only(read.Read[2])
	m, err := readManifest(at)
	if err != nil {
		return fail(err)
	}
	saved.Version, saved.Meta, saved.Events = m.Version, m.Meta, m.Events
	return saved, m, at.Mod, nil
}

// loadStreams reads the streams of the pieces that the manifest names. Chunks
// that it does not name are of commits that never came to be.
func loadStreams(ctx context.Context, st store.Store, job hyperscale.JobID, m manifest, at store.Revision) (map[Version][]byte, error) {
	if len(m.Pieces) == 0 {
		return nil, nil
	}
	streams := make(map[Version][]byte, len(m.Pieces))
	named := make(map[Version]int, len(m.Pieces))
	for _, p := range m.Pieces {
		named[p.Version] = p.chunks()
	}
	all := store.Range{From: versionKey(job, m.Pieces[0].Version), Until: store.After(recordsKey(job)), Limit: pageOfChunks, At: at}
	_, err := scan(ctx, st, all, func(e store.Entry) error {
		v, n, ok := chunkOf(job, e.Key)
		if ok && n < named[v] && n*chunkSize == len(streams[v]) {
			streams[v] = append(streams[v], e.Value...)
		}
		return nil
	})
	return streams, err
}

// chunkOf reads the key of a chunk.
func chunkOf(job hyperscale.JobID, key string) (Version, int, bool) {
	version, number, ok := strings.Cut(strings.TrimPrefix(key, recordsKey(job)), "/")
	v, err := strconv.ParseUint(version, 16, 64)
	if err != nil {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(number, 16, 31)
	return Version(v), int(n), ok && err == nil
}
