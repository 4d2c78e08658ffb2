//go:build unix

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hyperscale/internal/cli"
	"hyperscale/internal/rpc"
)

// Release is what another release says of itself. Zero values stand for what this
// tree says.
type Release struct {
	Version  string // such as 0.0.9
	Protocol string // such as 2.0
	Bare     bool   // it names no features of the protocol
}

// BuildRelease makes the program as another release: from this tree, of which the
// files that say so are replaced while it is built. The program has no switch for
// it, and the tree stays as it is.
func BuildRelease(ctx context.Context, root, dir string, r Release) (program string, err error) {
	if root, err = filepath.Abs(root); err != nil {
		return "", err
	}
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	replace := func(file string, pairs ...string) error {
		source := filepath.Join(root, filepath.FromSlash(file))
		b, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		text := string(b)
		for i := 0; i < len(pairs); i += 2 {
			if strings.Count(text, pairs[i]) != 1 {
				return fmt.Errorf("%s does not say %q once", file, pairs[i])
			}
			text = strings.Replace(text, pairs[i], pairs[i+1], 1)
		}
		other := filepath.Join(dir, strings.ReplaceAll(file, "/", "-"))
		overlay.Replace[source] = other
		return os.WriteFile(other, []byte(text), 0o600)
	}
	if r.Version != "" {
		if err := replace("internal/cli/version.go", fmt.Sprintf("Version = %q", cli.Version), fmt.Sprintf("Version = %q", r.Version)); err != nil {
			return "", err
		}
	}
	var pairs []string
	if r.Protocol != "" {
		pairs = append(pairs, fmt.Sprintf("Protocol = %q", rpc.Protocol), fmt.Sprintf("Protocol = %q", r.Protocol))
	}
	if r.Bare {
		pairs = append(pairs, fmt.Sprintf("return %#v", rpc.Features()), "return nil")
	}
	if err := replace("internal/rpc/version.go", pairs...); err != nil {
		return "", err
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, text, 0o600); err != nil {
		return "", err
	}
	return build(ctx, root, filepath.Join(dir, "hyperscale"), "-overlay", list)
}

// Replace puts another program in the node's place, for its next start.
func (n *Node) Replace(program string) { n.program = program }
