package station

import (
	"context"

	"hyperscale/internal/store/etcdstore"
)

// What the tests look at, which run both kinds of nodes.
const (
	WhoFile      = whoFile
	BootFile     = bootFile
	RestoreFile  = restoreFile
	RestoreBegun = restoreBegun
	StoreDir     = storeDir
)

// Members are those of the store, as this node's own member knows them; nil: it does
// not run.
func (s *Station) Members(ctx context.Context) ([]etcdstore.Member, error) {
	l := s.now()
	if !l.hasBegun() {
		return nil, nil
	}
	return l.store.(embedded).Members(ctx)
}
