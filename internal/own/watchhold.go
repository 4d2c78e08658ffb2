package own

import (
	"context"
	"fmt"

	"hyperscale/internal/store"
)

// WatchHold calls got with who has the named hold, now and whenever that changes;
// the zero Owner: nobody. It returns ctx's error, [store.ErrCompacted] (watch
// anew) or the error of got.
func WatchHold(ctx context.Context, st store.Store, name string, got func(Owner) error) error {
	key := holdKey(name)
	read, err := st.Txn(ctx, store.Txn{Then: []store.Op{get(key)}})
	if err != nil {
		return fmt.Errorf("watching hold %q: %w", name, unanswered(err))
	}
	tell := func(e store.Entry) error {
		o, err := readOwner(e)
		if err != nil {
			return err
		}
		return got(o)
	}
	if err := tell(only(read.Read[0])); err != nil {
		return err
	}
	return st.Watch(ctx, key, next(key), read.Revision+1, func(_ store.Revision, events []store.Event) error {
		for _, ev := range events {
			if err := tell(ev.Entry); err != nil {
				return err
			}
		}
		return nil
	})
}
