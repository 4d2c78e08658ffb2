package manager

import (
	"context"
	"io"

	"hyperscale/internal/store"
	"hyperscale/internal/store/etcdstore"
)

// outside is a store that somebody else runs.
type outside struct {
	store  *etcdstore.Store
	client io.Closer
}

func (m *Manager) external() (storage, error) {
	st, client, err := etcdstore.Dial(m.cfg.Store, m.cfg.ClientTLS, etcdstore.DefaultPrefix)
	if err != nil {
		return nil, err
	}
	return outside{st, client}, nil
}

func (o outside) Store() store.Store { return o.store }

// Leader is false: who leads an external store is not ours to know.
func (o outside) Leader() bool { return false }

// Run keeps the connection until ctx ends.
func (o outside) Run(ctx context.Context) error {
	<-ctx.Done()
	return o.client.Close()
}
