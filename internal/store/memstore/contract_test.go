package memstore_test

import (
	"testing"

	"hyperscale/internal/store"
	"hyperscale/internal/store/memstore"
	"hyperscale/internal/store/storetest"
)

func TestKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return memstore.New(nil) })
}
