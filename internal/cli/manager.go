package cli

import (
	"github.com/spf13/cobra"

	"hyperscale/internal/manager"
	"hyperscale/internal/rpc/identity"
)

func managerCommand(a *app) *cobra.Command {
	var f stationFlags
	var gates []string
	c := &cobra.Command{
		Use: "manager", Short: "Run a manager: it gives the jobs of a datacenter to its workers",
		Long: "Runs one manager of a datacenter until it is interrupted; then it hands over what it owns.\n" +
			"One, three or five of them keep the datacenter's jobs safe: with three, one may die.\n\n" +
			"The first start of several needs --expect and --join, the same number on each, or --peers;\n" +
			"later ones find all in the data directory. With --join alone, an empty directory joins the\n" +
			"managers that run; so does one that was wiped, or is on a new machine, under the old name.\n" +
			"Without certificates it listens on loopback only. More: doc/operations.md.",
		Example: "  hyperscale manager --data /var/lib/hyperscale\n" +
			"  hyperscale manager --name m1 --dc fra --data d1 --expect 3 --join 10.0.0.2:7402 --join 10.0.0.3:7402 \\\n" +
			"      --advertise 10.0.0.1 --listen 0.0.0.0:7400 --gossip 0.0.0.0:7402 --store-listen 0.0.0.0:7403 \\\n" +
			"      --cert node.crt --key-file node.key --ca ca.crt \\\n" +
			"      --store-cert store.crt --store-key store.key --store-ca store-ca.crt --keyring gossip.keys",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.config(a)
			if err != nil {
				return err
			}
			for i, gate := range gates {
				gates[i] = withPort(gate, callPort)
			}
			m, err := manager.New(manager.Config{Config: cfg, Gates: gates}, manager.Deps{Log: a.daemonLog()})
			if err != nil {
				return refused(err)
			}
			return a.runStation(c.Context(), m)
		},
	}
	f.add(c, identity.Manager)
	c.Flags().StringSliceVar(&gates, "gates", nil, "`HOST` of a gate above the datacenter, or HOST:PORT; several by commas")
	c.AddCommand(snapshotCommand(a, identity.Manager), removeCommand(a, identity.Manager))
	return c
}
