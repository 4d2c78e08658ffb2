package station

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"hyperscale/internal/ops"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/store/etcdstore"
)

// Remove takes a member out of the store for good, by its name or number: of a
// node that is gone and is not replaced, or one that was let in and never came. It is
// asked of the node in that role which runs on that data directory.
func Remove(ctx context.Context, role identity.Role, dir, member string) error {
	if err := isOf(role, dir); err != nil {
		return err
	}
	return order(ctx, role, dir, "/remove", "member", member)
}

// isOf refuses what is not the data directory of a node in that role.
func isOf(role identity.Role, dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, whoFile))
	if err != nil {
		return fmt.Errorf("%s is not the data directory of a %s: %w", dir, role, err)
	}
	who, err := identity.Parse(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("%s is not the data directory of a %s: %w", dir, role, err)
	}
	if who.Role != role {
		return fmt.Errorf("%s is the data directory of %s, not of a %s", dir, who.Who(), role)
	}
	return nil
}

// order asks something of the node that runs on a data directory, by the socket in
// it, which only those can open who may use the directory.
func order(ctx context.Context, role identity.Role, dir, path, name, value string) error {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, controlPort))
	}}
	defer transport.CloseIdleConnections()
	at := "http://node" + path + "?" + url.Values{name: {value}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at, nil)
	if err != nil {
		return fmt.Errorf("asking the %s of %s: %w", role, dir, err)
	}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return fmt.Errorf("asking the %s of %s, which must run: %w", role, dir, err)
	}
	defer func() { _ = answer.Body.Close() }() // what matters was read
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(text)))
	}
	if err != nil {
		return fmt.Errorf("the %s of %s: %w", role, dir, err)
	}
	return nil
}

// control hears those on this machine who may use the data directory.
func (l *life) control(ctx context.Context) error {
	at := l.data.path(controlPort)
	if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the socket of one that was here before: %w", err)
	}
	ln, err := net.Listen("unix", at)
	if err != nil {
		l.log.Warn("snapshots can't be asked for while this node runs", "reason", err)
		<-ctx.Done()
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /snapshot", l.obey("to", "snapshot", func(ctx context.Context, n *etcdstore.Node, file string) error {
		return n.Store().Snapshot(ctx, file)
	}))
	mux.HandleFunc("POST /remove", l.obey("member", "remove from the store", remove))
	return ops.Serve(ctx, ln, mux)
}

// obey does what is asked of the member of the store in this process.
func (l *life) obey(name, what string, do func(ctx context.Context, n *etcdstore.Node, value string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value := r.URL.Query().Get(name)
		l.log.Info("audit", "what", what, name, value, "from", "this machine")
		member, ok := l.store.(embedded)
		err := errors.New("its store is external: whoever runs that looks after it")
		if ok {
			err = do(r.Context(), member.Node, value)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
}

// remove takes a member out that is known by that name or number.
func remove(ctx context.Context, n *etcdstore.Node, name string) error {
	members, err := n.Members(ctx)
	if err != nil {
		return err
	}
	var known []string
	for _, m := range members {
		if m.Name == name || m.ID == name {
			return n.Expel(ctx, m.ID)
		}
		known = append(known, fmt.Sprintf("%s (%s at %s)", m.Name, m.ID, m.Address))
	}
	return fmt.Errorf("no member of the store is called %q; there are %s", name, strings.Join(known, ", "))
}
