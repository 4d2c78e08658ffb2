package manager

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"hyperscale"
)

// nextBoot raises the number in a file by one and gives it: it is written down
// before it is used, so that no start has the number of another.
func nextBoot(path string) (hyperscale.Boot, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("reading the number of starts: %w", err)
	}
	n := uint64(0)
	if err == nil {
		if n, err = strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err != nil {
			return 0, fmt.Errorf("%s does not hold the number of starts: %w", path, err)
		}
	}
	n++
	f, err := os.CreateTemp(filepath.Dir(path), "boot-*")
	if err != nil {
		return 0, fmt.Errorf("writing the number of starts: %w", err)
	}
	_, err = fmt.Fprintln(f, n)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return 0, fmt.Errorf("writing the number of starts: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return hyperscale.Boot(n), nil
}
