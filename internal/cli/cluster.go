package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os/user"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hyperscale"
	"hyperscale/internal/client"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/show"
	"hyperscale/internal/spec"
	"hyperscale/internal/stats"
)

// membership is which cluster somebody belongs to, and what proves it.
type membership struct {
	cluster, environment string
	cert, key, ca        string
	flags                *pflag.FlagSet // that it is told with
}

func (m *membership) add(c *cobra.Command) {
	f := c.Flags()
	m.flags = f
	f.StringVar(&m.cluster, "cluster", "hyperscale", "`NAME` of the cluster")
	f.StringVar(&m.environment, "environment", "dev", "`NAME` of the cluster's environment")
	f.StringVar(&m.cert, "cert", "", "`FILE` with the certificate that says who this is")
	f.StringVar(&m.key, "key-file", "", "`FILE` with its private key")
	f.StringVar(&m.ca, "ca", "", "`FILE` with the authorities that are trusted")
}

// certificates are those that the flags name; nil: none, then only loopback is
// spoken to.
func (m *membership) certificates(a *app) (*identity.Source, error) {
	given := 0
	for _, file := range []string{m.cert, m.key, m.ca} {
		if file != "" {
			given++
		}
	}
	switch given {
	case 0:
		return nil, nil
	case 3:
		source, err := identity.Load(identity.Files{Cert: m.cert, Key: m.key, Authorities: m.ca}, a.log())
		return source, refused(err)
	}
	return nil, refuse("--cert, --key-file and --ca belong together; %d of the three are given", given)
}

// clusterFlags say which cluster a client speaks to.
type clusterFlags struct {
	membership
	servers []string
	wait    time.Duration
	silent  func(error) // hears from a watch when nobody answers, and when somebody does again; nil: nobody cares
}

// How long a cluster that does not answer is tried: by those who ask, and by those
// who hand a job in or watch one.
const (
	waitAsking   = 10 * time.Second
	waitWatching = 30 * time.Second
)

func (f *clusterFlags) add(c *cobra.Command) { f.addWaiting(c, waitAsking) }

func (f *clusterFlags) addWaiting(c *cobra.Command, wait time.Duration) {
	c.Flags().DurationVar(&f.wait, "wait", wait, "`TIME` that is tried while nobody answers")
	c.Flags().StringSliceVar(&f.servers, "server", []string{"127.0.0.1:7400"}, "`ADDRESS` of a gate or manager; several by commas")
	f.membership.add(c)
}

// notPlain is what a name in an identity can't have.
var notPlain = regexp.MustCompile(`[^a-zA-Z0-9._-]+`)

// dial makes a client of the cluster.
func (a *app) dial(f *clusterFlags) (*client.Client, error) {
	if f.wait <= 0 {
		return nil, refuse("--wait %v; expected a time above zero", f.wait)
	}
	if strings.Join(f.servers, "") == "" {
		return nil, refuse("--server is empty; expected HOST:PORT of a manager, such as 127.0.0.1:7400 (a variable that is not set?)")
	}
	for _, server := range f.servers {
		if host, port, err := net.SplitHostPort(server); err != nil || host == "" || port == "" {
			return nil, refuse("--server %s; expected HOST:PORT, such as 127.0.0.1:7400", server)
		}
	}
	certificates, err := f.certificates(a)
	if err != nil {
		return nil, err
	}
	name := "anybody"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = strings.Trim(notPlain.ReplaceAllString(u.Username, "-"), "-.")
	}
	self := identity.ID{Cluster: f.cluster, Env: f.environment, Role: identity.Client, Tenant: "default", Name: name}
	if certificates == nil {
		if err := self.Check(); err != nil {
			return nil, refused(err)
		}
	} else if err := errors.Join(matches(f.flags, self, certificates.ID())...); err != nil {
		return nil, refused(err)
	}
	c, err := client.New(client.Config{Nodes: f.servers, Patience: f.wait, Silent: f.silent, Dialing: rpc.Dialing{Self: self, Certificates: certificates}})
	return c, refused(err)
}

// withCluster does work with a client of the cluster.
func (a *app) withCluster(ctx context.Context, f *clusterFlags, work func(context.Context, *client.Client) error) error {
	c, err := a.dial(f)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // everything was said
	ctx, stop := a.untilSignal(ctx)
	defer stop()
	return clusterError(work(ctx, c))
}

// errNoContact says that the cluster could not be reached, or not any more.
type errNoContact struct{ error }

// Unwrap gives the cause.
func (e errNoContact) Unwrap() error { return e.error }

// readResult reads what a cluster gives of a job that has ended: its plan and
// what it came to.
func readResult(b []byte) (*stats.Result, error) {
	var n int
	if len(b) < 16 {
		return nil, fmt.Errorf("the result has %d bytes", len(b))
	}
	if _, err := fmt.Sscanf(string(b[:16]), "%x", &n); err != nil || n < 0 || n > len(b)-16 {
		return nil, fmt.Errorf("the result is not in a form that this version knows")
	}
	plan, _, err := spec.Decode(b[16 : 16+n])
	if err != nil {
		return nil, err
	}
	return stats.DecodeResult(plan, b[16+n:])
}

// table writes rows with aligned columns.
func (a *app) table(rows [][]string) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = show.Clean(cell)
		}
		if _, err := fmt.Fprintln(w, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}

// jobArgument takes one argument, a job.
func jobArgument(a *app) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "a job") }
}

// clusterExits are the exit codes that all commands towards a cluster share.
func clusterExits(c *cobra.Command, more ...string) {
	exits(c, append(append([]string{"0    done"}, more...), "104  bad flags or arguments, or the cluster refuses", "98   the cluster can't be reached")...)
}

// aboveZero refuses numbers that were given and are not above zero: left out they
// have a meaning that zero would only seem to have.
func aboveZero(c *cobra.Command, names ...string) error {
	for _, name := range names {
		if n, err := c.Flags().GetInt(name); err == nil && c.Flags().Changed(name) && n < 1 {
			return refuse("--%s %d; expected 1 or more", name, n)
		}
	}
	return nil
}

// jobAnd takes a job, and between least and most arguments in all.
func jobAnd(least, most int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return refuse("wanted: %s; got %s", what, cmp.Or(quoted(args), "nothing"))
		}
		return nil
	}
}

// jobs are names of jobs as people write them.
func jobOf(args []string) hyperscale.JobID { return hyperscale.JobID(args[0]) }
