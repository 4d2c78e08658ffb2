package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hyperscale"
	"hyperscale/internal/rpc/identity"
)

// The files of the authorities, and those of a node's own directory.
const (
	authorityCert, authorityKey           = "ca.crt", "ca.key"
	storeAuthorityCert, storeAuthorityKey = "store-ca.crt", "store-ca.key"
	nodeCert, nodeKey                     = "node.crt", "node.key"
	storeCert, storeKey                   = "store.crt", "store.key"
)

func certsCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "certs", Short: "Make the certificates of a cluster",
		Long: "Makes the authorities of a cluster, and the certificates of its nodes and users. A node\n" +
			"without certificates listens on loopback only.",
		Example: "  hyperscale certs init certs --cluster shop --environment prod\n" +
			"  hyperscale certs issue certs manager m1 --dc fra --hosts 10.0.0.1,m1.fra.example.org\n" +
			"  hyperscale certs issue certs worker w1 w2 w3 --dc fra\n" +
			"  hyperscale certs issue certs client ada --tenant checkout-team",
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	exits(c, "0    done", "104  unknown command or flag")
	c.AddCommand(certsInitCommand(a), certsIssueCommand(a))
	return c
}

func certsInitCommand(a *app) *cobra.Command {
	var cluster, environment string
	valid := lifetime(10 * 365 * day)
	var force bool
	c := &cobra.Command{
		Use: "init DIR", Short: "Make the authorities of a cluster",
		Long: "Makes two authorities in a directory: one says who is who in the cluster, the other who keeps\n" +
			"its store. Who has their keys can be anybody: the directory stays on one machine, and only what\n" +
			"certs issue puts into it for a node is copied to that node.",
		Example: "  hyperscale certs init certs\n" +
			"  hyperscale certs init certs --cluster shop --environment prod --valid 1825d",
		Args: func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "a directory") },
		RunE: func(_ *cobra.Command, args []string) error {
			return a.initCerts(args[0], cluster, environment, time.Duration(valid), force)
		},
	}
	f := c.Flags()
	f.StringVar(&cluster, "cluster", "hyperscale", "`NAME` of the cluster")
	f.StringVar(&environment, "environment", "dev", "`NAME` of the cluster's environment")
	f.Var(&valid, "valid", "how long the authorities are trusted, `TIME` as 3650d or 48h")
	f.BoolVar(&force, "force", false, "replace authorities that are there: all they issued is void then")
	certsExits(c)
	return c
}

func certsExits(c *cobra.Command) {
	exits(c, "0    done", "104  bad flags or arguments, or a file is there already", "1    a file was not written")
}

func certsIssueCommand(a *app) *cobra.Command {
	w := wantedCerts{valid: lifetime(365 * day)}
	c := &cobra.Command{
		Use: "issue DIR ROLE NAME…", Short: "Issue the certificates of nodes or users",
		Long: "Issues certificates for one or more managers, workers, gates or clients, by the authorities in\n" +
			"DIR. Each gets a directory of its own in there, which is what is copied to its machine. A\n" +
			"node that runs takes new certificates when its files are replaced, without a restart.\n\n" +
			"Managers and gates that share a store get certificates for that, too: with --hosts, the names or\n" +
			"addresses at which the others reach them.",
		Example: "  hyperscale certs issue certs manager m1 --dc fra --hosts 10.0.0.1\n" +
			"  hyperscale certs issue certs worker w1 w2 w3 --dc fra --valid 90d\n" +
			"  hyperscale certs issue certs client ada --tenant checkout-team",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 3 {
				return refuse("%d arguments; expected the directory of certs init, a role (manager, worker, client or gate), and at least one name", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("hosts") && strings.Join(w.hosts, "") == "" {
				return refuse("--hosts is empty; name where the other managers reach this one, or leave it out (a variable that is not set?)")
			}
			w.directory, w.role, w.names = args[0], identity.Role(args[1]), args[2:]
			return a.issueCerts(w)
		},
	}
	f := c.Flags()
	f.StringVar(&w.dc, "dc", "dc1", "`NAME` of the datacenter of managers and workers")
	f.StringVar(&w.tenant, "tenant", "default", "`NAME` of the clients' tenant")
	f.StringSliceVar(&w.hosts, "hosts", nil, "`HOST,…` at which the others reach the store of a manager or gate")
	f.Var(&w.valid, "valid", "how long they are trusted, `TIME` as 90d or 48h")
	f.BoolVar(&w.force, "force", false, "replace certificates that are there")
	certsExits(c)
	return c
}

const day = 24 * time.Hour

// lifetime is a flag's duration, which may be in days.
type lifetime time.Duration

// String implements pflag.Value.
func (l *lifetime) String() string {
	if d := time.Duration(*l); d%day != 0 {
		return d.String()
	}
	return strconv.Itoa(int(time.Duration(*l)/day)) + "d"
}

// Type implements pflag.Value.
func (l *lifetime) Type() string { return "duration" }

// mostDays is how long certificates are issued for at most.
const mostDays = 200 * 365

// Set implements pflag.Value.
func (l *lifetime) Set(text string) error {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		d = time.Duration(min(n, mostDays+1)) * day
	}
	if err != nil || d <= 0 || d > mostDays*day {
		return fmt.Errorf("expected a time above zero and of at most %dd, such as 90d or 48h", mostDays)
	}
	*l = lifetime(d)
	return nil
}

// initCerts makes the two authorities of a cluster.
func (a *app) initCerts(dir, cluster, environment string, valid time.Duration, force bool) error {
	now := time.Now()
	who, err := identity.NewAuthority(cluster, environment, now, valid)
	if err != nil {
		return refused(err)
	}
	store, err := identity.NewStoreAuthority(cluster, environment, now, valid)
	if err != nil {
		return refused(err)
	}
	all := []filed{
		{pairOf: who.Pair, cert: filepath.Join(dir, authorityCert), key: filepath.Join(dir, authorityKey)},
		{pairOf: store.Pair, cert: filepath.Join(dir, storeAuthorityCert), key: filepath.Join(dir, storeAuthorityKey)},
	}
	if err := write(all, force); err != nil {
		return err
	}
	if a.json {
		return json.NewEncoder(a.Stdout).Encode(madeCerts{Identity: who.Domain(), Directory: dir, Until: now.Add(valid).UTC()})
	}
	_, err = fmt.Fprintf(a.Stdout, "The authorities of cluster %s, environment %s, are in %s.\n"+
		"%s and %s in there are secret: whoever has them can be any node. Keep the directory here.\n"+
		"next: hyperscale certs issue %s manager m1 --hosts ADDRESS\n",
		cluster, environment, dir, authorityKey, storeAuthorityKey, dir)
	return err
}

// madeCerts is what --json tells of certificates that were made.
type madeCerts struct {
	Identity  string    `json:"identity"`
	Directory string    `json:"directory"`
	Until     time.Time `json:"until"`
}

// filed is a pair and the files that it goes into.
type filed struct {
	pairOf    func() (identity.Pair, error)
	cert, key string
}

// write writes pairs into files; none before it is known that all are new, or may
// be replaced.
func write(all []filed, force bool) error {
	for _, f := range all {
		for _, name := range []string{f.cert, f.key} {
			switch _, err := os.Stat(name); {
			case err == nil && !force:
				return refuse("%s is there already; it is left as it is (--force replaces it)", name)
			case err != nil && !errors.Is(err, fs.ErrNotExist):
				return fmt.Errorf("looking whether there are certificates already: %w", err)
			}
		}
	}
	for _, f := range all {
		p, err := f.pairOf()
		if err != nil {
			return refused(err)
		}
		if err := os.MkdirAll(filepath.Dir(f.cert), 0o700); err != nil {
			return fmt.Errorf("making the directory of certificates: %w", err)
		}
		if err := p.Write(f.cert, f.key); err != nil {
			return err
		}
	}
	return nil
}

// wantedCerts is what is to be issued.
type wantedCerts struct {
	directory  string
	role       identity.Role
	names      []string
	dc, tenant string
	hosts      []string
	valid      lifetime
	force      bool
}

// issuers are the authorities of a cluster with their certificates.
type issuers struct {
	who, store               *identity.Authority
	whoTrusted, storeTrusted []byte
	cluster, environment     string
}

// readIssuers reads the authorities in a directory.
func readIssuers(dir string) (in issuers, err error) {
	if in.who, in.whoTrusted, err = readIssuer(dir, authorityCert, authorityKey); err != nil {
		return in, err
	}
	if in.store, in.storeTrusted, err = readIssuer(dir, storeAuthorityCert, storeAuthorityKey); err != nil {
		return in, err
	}
	in.cluster, in.environment, _ = strings.Cut(in.who.Domain(), ".")
	return in, nil
}

func readIssuer(dir, certFile, keyFile string) (*identity.Authority, []byte, error) {
	cert, err := os.ReadFile(filepath.Join(dir, certFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, refuse("%s has no %s; hyperscale certs init %s makes the authorities first", dir, certFile, dir)
	}
	if err != nil {
		return nil, nil, refused(err)
	}
	key, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, nil, refused(err)
	}
	authority, err := identity.ParseAuthority(identity.Pair{Cert: cert, Key: key})
	if err != nil {
		return nil, nil, refuse("%s: %w", filepath.Join(dir, certFile), err)
	}
	return authority, cert, nil
}

// issueCerts issues what is wanted, each into a directory of its own.
func (a *app) issueCerts(w wantedCerts) error {
	if len(w.hosts) > 0 && !keepsStore(w.role) {
		return refuse("--hosts is for managers and gates, which keep a store; a %s keeps none", w.role)
	}
	in, err := readIssuers(w.directory)
	if err != nil {
		return err
	}
	now := time.Now()
	var all []filed
	var ids []identity.ID
	for _, name := range w.names {
		id := w.identity(in, name)
		ids = append(ids, id)
		if err := id.Check(); err != nil {
			return refused(err)
		}
		all = append(all, w.files(in, id, now)...)
	}
	if err := write(all, w.force); err != nil {
		return err
	}
	for _, id := range ids {
		if err := w.trust(in, id); err != nil {
			return err
		}
		if err := a.tellIssued(in, w, id, now); err != nil {
			return err
		}
	}
	return nil
}

// keepsStore reports whether nodes in that role share a store.
func keepsStore(role identity.Role) bool { return role == identity.Manager || role == identity.Gate }

func (w wantedCerts) identity(in issuers, name string) identity.ID {
	id := identity.ID{Cluster: in.cluster, Env: in.environment, Role: w.role}
	switch w.role {
	case identity.Client:
		id.Tenant, id.Name = w.tenant, name
	case identity.Manager, identity.Worker:
		id.DC, id.Node = w.dc, hyperscale.NodeID(name)
	default:
		id.Node = hyperscale.NodeID(name)
	}
	return id
}

// home is the directory that is copied to the machine of a node or user.
func (w wantedCerts) home(id identity.ID) string {
	name := string(id.Node)
	if id.Role == identity.Client {
		name = id.Name
	}
	return filepath.Join(w.directory, string(id.Role)+"-"+name)
}

// files are the pairs of one node.
func (w wantedCerts) files(in issuers, id identity.ID, now time.Time) []filed {
	home, valid := w.home(id), time.Duration(w.valid)
	all := []filed{{
		pairOf: func() (identity.Pair, error) { return in.who.Issue(id, now, valid) },
		cert:   filepath.Join(home, nodeCert), key: filepath.Join(home, nodeKey),
	}}
	if len(w.hosts) > 0 {
		all = append(all, filed{
			pairOf: func() (identity.Pair, error) { return in.store.IssueStore(id.Node, w.hosts, now, valid) },
			cert:   filepath.Join(home, storeCert), key: filepath.Join(home, storeKey),
		})
	}
	return all
}

// trust puts the authorities' certificates beside a node's own.
func (w wantedCerts) trust(in issuers, id identity.ID) error {
	home := w.home(id)
	err := identity.WriteTrusted(filepath.Join(home, authorityCert), in.whoTrusted)
	if len(w.hosts) > 0 {
		err = errors.Join(err, identity.WriteTrusted(filepath.Join(home, storeAuthorityCert), in.storeTrusted))
	}
	return err
}

// tellIssued says what was made, what to copy and how to use it.
func (a *app) tellIssued(in issuers, w wantedCerts, id identity.ID, now time.Time) error {
	home := w.home(id)
	until := now.Add(time.Duration(w.valid)).UTC()
	if end := in.who.Until(); end.Before(until) {
		until = end
	}
	if a.json {
		return json.NewEncoder(a.Stdout).Encode(madeCerts{Identity: id.String(), Directory: home, Until: until})
	}
	at := filepath.Base(home)
	flags := fmt.Sprintf("--cert %[1]s/%[2]s --key-file %[1]s/%[3]s --ca %[1]s/%[4]s", at, nodeCert, nodeKey, authorityCert)
	start := fmt.Sprintf("hyperscale %s --name %s --dc %s", id.Role, id.Node, id.DC)
	switch id.Role {
	case identity.Manager:
		start += " --data DIRECTORY"
	case identity.Worker:
		start += " --join HOST"
	case identity.Client:
		start = "hyperscale submit PLAN --server HOST:7400"
	case identity.Gate:
		start = fmt.Sprintf("hyperscale gate --name %s --data DIRECTORY", id.Node)
	}
	if id.Cluster != "hyperscale" || id.Env != "dev" {
		flags += fmt.Sprintf(" --cluster %s --environment %s", id.Cluster, id.Env)
	}
	text := fmt.Sprintf("%s, until %s\n  copy the directory %s to where it is used, and there:\n  %s %s",
		id.Who(), until.Format(time.DateOnly), home, start, flags)
	switch {
	case len(w.hosts) > 0:
		text += fmt.Sprintf(" \\\n      --store-cert %[1]s/%[2]s --store-key %[1]s/%[3]s --store-ca %[1]s/%[4]s", at, storeCert, storeKey, storeAuthorityCert)
	case keepsStore(id.Role):
		text += fmt.Sprintf("\n  without --hosts there is no certificate for the store: such a %s is alone, or its store is external", id.Role)
	}
	_, err := fmt.Fprintln(a.Stdout, text)
	return err
}
