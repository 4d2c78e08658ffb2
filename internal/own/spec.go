package own

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"hyperscale/internal/store"
)

// MaxSpec bounds a spec, in bytes.
const MaxSpec = 16<<20 + 64<<10

// Digest is the SHA-256 of some bytes, in hexadecimal.
type Digest string

// DigestOf is the digest of some bytes.
func DigestOf(b []byte) Digest {
	sum := sha256.Sum256(b)
	return Digest(hex.EncodeToString(sum[:]))
}

// PutSpec stores a spec, plan and options as bytes, under its digest; once there
// it never changes. One that no job names within an hour is swept.
func PutSpec(ctx context.Context, st store.Store, spec []byte, now time.Time) (Digest, error) {
	d := DigestOf(spec)
	if _, err := putSpec(ctx, st, d, spec, now); err != nil {
		return "", fmt.Errorf("storing spec %.8s: %w", d, err)
	}
	return d, nil
}

// attempts bounds what is begun again because someone else wrote in between.
const attempts = 8

// putSpec also gives the revision of the first chunk, which is written last:
// while it stands the whole spec does.
func putSpec(ctx context.Context, st store.Store, d Digest, spec []byte, now time.Time) (store.Revision, error) {
	if len(spec) == 0 || len(spec) > MaxSpec {
		return 0, fmt.Errorf("%d bytes, between 1 and %d are taken: %w", len(spec), MaxSpec, store.ErrTooLarge)
	}
	for range attempts {
		whole, used, err := specState(ctx, st, d)
		if err != nil {
			return 0, err
		}
		if whole != 0 {
			return whole, nil
		}
		if used == 0 {
			if used, err = markUsed(ctx, st, d, now); err != nil {
				return 0, err
			}
		}
		if err := putChunks(ctx, st, d, spec, used); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("others write it at the same time: %w", store.ErrUnavailable)
}

// specState gives the revisions of the first chunk and of the mark that says
// when it was used; 0: not there.
func specState(ctx context.Context, st store.Store, d Digest) (whole, used store.Revision, err error) {
	_, err = scan(ctx, st, store.Range{From: specKey(d), Until: store.After(specKey(d)), KeysOnly: true}, func(e store.Entry) error {
		switch e.Key {
		case specChunkKey(d, 0):
			whole = e.Mod
		case specUsedKey(d):
			used = e.Mod
		}
		return nil
	})
	return whole, used, err
}

// specUse is when a spec was last put or named, by the clock of who did it.
type specUse struct {
	At time.Time `json:"at"`
}

func markUsed(ctx context.Context, st store.Store, d Digest, now time.Time) (store.Revision, error) {
	text, err := encode(specUse{now.UTC()}, nil)
	if err != nil {
		return 0, err
	}
	done, err := st.Txn(ctx, store.Txn{
		If:   []store.If{absent(specUsedKey(d))},
		Then: []store.Op{put(specUsedKey(d), text)},
		Else: []store.Op{get(specUsedKey(d))},
	})
	if err != nil {
		return 0, unanswered(err)
	}
	if !done.Held {
		return only(done.Read[0]).Mod, nil
	}
	return done.Revision, nil
}

// putChunks writes the chunks, the first one last. It does nothing once the mark
// has changed: the sweeper was here.
func putChunks(ctx context.Context, st store.Store, d Digest, spec []byte, used store.Revision) error {
	for n := chunksOf(len(spec)) - 1; n >= 0; n-- {
		_, err := st.Txn(ctx, store.Txn{
			If:   []store.If{is(specUsedKey(d), used), absent(specChunkKey(d, n))},
			Then: []store.Op{put(specChunkKey(d, n), chunk(spec, n))},
		})
		if err != nil {
			return unanswered(err)
		}
	}
	return nil
}

// Spec reads a spec. [ErrNotFound]: it was never whole, or was swept.
func Spec(ctx context.Context, st store.Store, d Digest) ([]byte, error) {
	var spec []byte
	from, until := specChunkKey(d, 0), specUsedKey(d) // digits sort before letters
	_, err := scan(ctx, st, store.Range{From: from, Until: until, Limit: 4}, func(e store.Entry) error {
		spec = append(spec, e.Value...)
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading spec %.8s: %w", d, err)
	case len(spec) == 0 || DigestOf(spec) != d:
		return nil, fmt.Errorf("spec %.8s: %w", d, ErrNotFound)
	}
	return spec, nil
}
