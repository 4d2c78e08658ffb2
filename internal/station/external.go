package station

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"hyperscale/internal/store"
	"hyperscale/internal/store/etcdstore"
)

// outside is a store that somebody else runs.
type outside struct {
	store  *etcdstore.Store
	client *clientv3.Client
	owned  bool
	size   *atomic.Pointer[etcdstore.Health] // as it was last told; nil: not yet
}

func (l opening) external() (storage, error) {
	c := l.cfg.Store
	st, client, err := etcdstore.Dial(c.External, c.ClientTLS, etcdstore.DefaultPrefix)
	if err != nil {
		return nil, err
	}
	return outside{st, client, c.Owned, new(atomic.Pointer[etcdstore.Health])}, nil
}

func (o outside) Store() store.Store { return o.store }

// Health is ready: how an external store fares is not ours to know; who can't
// reach it has no session. Its size is told as it last was.
func (o outside) Health() etcdstore.Health {
	if h := o.size.Load(); h != nil {
		return *h
	}
	return etcdstore.Health{State: etcdstore.Ready}
}

// sizeEach is how often an external store is asked for its size.
const sizeEach = 5 * time.Second

// weigh keeps the size known until ctx ends.
func (o outside) weigh(ctx context.Context) {
	tick := time.NewTicker(sizeEach)
	defer tick.Stop()
	for {
		asking, stop := context.WithTimeout(ctx, sizeEach/2)
		size, inUse, err := etcdstore.Size(asking, o.client)
		stop()
		if err == nil {
			o.size.Store(&etcdstore.Health{State: etcdstore.Ready, Size: size, InUse: inUse})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// history is for how long what was overwritten in an external store of our own
// can be read.
const history = time.Minute

// Run keeps the connection until ctx ends, and lets a store of our own forget.
func (o outside) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { o.weigh(ctx) })
	if o.owned {
		running.Go(func() { o.store.Forget(ctx, history) })
	}
	<-ctx.Done()
	running.Wait()
	return o.client.Close()
}
