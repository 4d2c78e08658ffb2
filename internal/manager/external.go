package manager

import (
	"context"
	"io"
	"sync"
	"time"

	"hyperscale/internal/store"
	"hyperscale/internal/store/etcdstore"
)

// outside is a store that somebody else runs.
type outside struct {
	store  *etcdstore.Store
	client io.Closer
	owned  bool
}

func (l *life) external() (storage, error) {
	c := l.cfg.Store
	st, client, err := etcdstore.Dial(c.External, c.ClientTLS, etcdstore.DefaultPrefix)
	if err != nil {
		return nil, err
	}
	return outside{st, client, c.Owned}, nil
}

func (o outside) Store() store.Store { return o.store }

// Health is ready: how an external store fares is not ours to know; who can't
// reach it has no session.
func (o outside) Health() etcdstore.Health { return etcdstore.Health{State: etcdstore.Ready} }

// history is for how long what was overwritten in an external store of our own
// can be read.
const history = time.Minute

// Run keeps the connection until ctx ends, and lets a store of our own forget.
func (o outside) Run(ctx context.Context) error {
	var forgetting sync.WaitGroup
	if o.owned {
		forgetting.Go(func() { o.store.Forget(ctx, history) })
	}
	<-ctx.Done()
	forgetting.Wait()
	return o.client.Close()
}
