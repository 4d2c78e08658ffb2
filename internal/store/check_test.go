package store_test

import (
	"testing"

	"pgregory.net/rapid"

	"hyperscale/internal/store"
)

func TestAfter(t *testing.T) {
	for prefix, want := range map[string]string{
		"a": "b", "job/": "job0", "a\xff": "b", "a\xff\xff": "b", "": "\x00", "\xff\xff": "\x00",
	} {
		if got := store.After(prefix); got != want {
			t.Errorf("after %q: %q, want %q", prefix, got, want)
		}
	}
}

// A key has the prefix exactly when it lies within what After bounds.
func TestAfterBoundsThePrefix(t *testing.T) {
	text := rapid.StringOfN(rapid.SampledFrom([]rune{'a', 'b', 0x00, 'ÿ'}), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		prefix, key := text.Draw(t, "prefix"), text.Draw(t, "key")
		has := len(key) >= len(prefix) && key[:len(prefix)] == prefix
		if store.Within(key, prefix, store.After(prefix)) != has {
			t.Errorf("key %q, prefix %q", key, prefix)
		}
	})
}
