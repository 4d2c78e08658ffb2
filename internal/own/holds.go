package own

import (
	"fmt"
	"net/url"
	"strings"

	"hyperscale/internal/store"
)

// The range of keys in which holds are.
const HoldsFrom, HoldsUntil = holds, "hold0"

// ReadHoldChange reads a change of a key from [HoldsFrom] up to [HoldsUntil]: who
// has the hold of that name now; an empty Node: nobody.
func ReadHoldChange(ev store.Event) (name string, holder Owner, err error) {
	name, err = url.PathUnescape(strings.TrimPrefix(ev.Key, holds))
	if err != nil || !strings.HasPrefix(ev.Key, holds) {
		return "", Owner{}, fmt.Errorf("key %q: %w", ev.Key, ErrDamaged)
	}
	if ev.Deleted {
		return name, Owner{}, nil
	}
	holder, err = readOwner(ev.Entry)
	return name, holder, err
}
