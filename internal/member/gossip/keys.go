package gossip

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/hashicorp/memberlist"
)

// ReadKeys reads a file of keys: a JSON list of keys in base64, of 16, 24 or 32
// bytes each. The first one encrypts, all of them decrypt. To change keys without
// a gap add the new one as second everywhere, then make it the first, then take
// the old one out; members read the file again within seconds.
func ReadKeys(file string) ([][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the gossip keys: %w", err)
	}
	keys, err := parseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("reading the gossip keys in %s: %w", file, err)
	}
	return keys, nil
}

// mostKeys bounds a file of keys: each is tried on what can't be decrypted.
const mostKeys = 16

func parseKeys(text []byte) ([][]byte, error) {
	var list []string
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, errors.New("it is no JSON list of texts; expected [\"BASE64\", …]")
	}
	if len(list) == 0 || len(list) > mostKeys {
		return nil, fmt.Errorf("it has %d keys; expected 1 to %d", len(list), mostKeys)
	}
	var keys [][]byte
	for i, entry := range list {
		key, err := base64.StdEncoding.DecodeString(entry)
		if err != nil {
			return nil, fmt.Errorf("key %d is not in base64", i+1)
		}
		if memberlist.ValidateKey(key) != nil {
			return nil, fmt.Errorf("key %d has %d bytes; expected 16, 24 or 32", i+1, len(key))
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// keyring is the keys that memberlist starts with; nil: nothing is encrypted.
func (c Config) keyring() (*memberlist.Keyring, error) {
	if c.Keyring == "" {
		return nil, nil
	}
	keys, err := ReadKeys(c.Keyring)
	if err != nil {
		return nil, err
	}
	ring, err := memberlist.NewKeyring(keys, keys[0])
	if err != nil {
		return nil, fmt.Errorf("taking the gossip keys: %w", err)
	}
	return ring, nil
}

// rotate makes the ring hold exactly those keys, the first as primary.
func rotate(ring *memberlist.Keyring, keys [][]byte) error {
	for _, key := range keys {
		if err := ring.AddKey(key); err != nil {
			return err
		}
	}
	if err := ring.UseKey(keys[0]); err != nil {
		return err
	}
	for _, old := range ring.GetKeys() {
		if !slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, old) }) {
			if err := ring.RemoveKey(old); err != nil {
				return err
			}
		}
	}
	return nil
}

// watchKeys reads the file again and again. A file that can't be read leaves the
// keys as they are, and is told once.
func (g *Gossip) watchKeys(ctx context.Context, ring *memberlist.Keyring) {
	told := ""
	for wait(ctx, rereading) {
		keys, err := ReadKeys(g.config.Keyring)
		if err == nil {
			err = rotate(ring, keys)
		}
		if err != nil && err.Error() != told {
			told = err.Error()
			g.log.Warn("the gossip keys stay as they are", "error", err)
		}
		if err == nil {
			told = ""
		}
	}
}

// rereading is how often the file of keys is read.
const rereading = 2 * time.Second
