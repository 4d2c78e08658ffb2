package cli

import (
	"github.com/spf13/cobra"

	"hyperscale/internal/gate"
	"hyperscale/internal/rpc/identity"
)

func gateCommand(a *app) *cobra.Command {
	var f stationFlags
	c := &cobra.Command{
		Use: "gate", Short: "Run a gate: it gives jobs to the managers of several datacenters",
		Long: "Runs one gate above datacenters until it is interrupted; then it hands over what it owns. The\n" +
			"managers call it: theirs is --gates. One, three or five gates keep the jobs that are given to\n" +
			"them safe: with three, one may die. They may be far from each other, with round trips of up\n" +
			"to half a second.\n\n" +
			"The first start of several needs --expect and --join, the same number on each, or --peers;\n" +
			"later ones find all in the data directory. With --join alone, an empty directory joins the\n" +
			"gates that run; so does one that was wiped, or is on a new machine, under the old name.\n" +
			"Without certificates it listens on loopback only. More: doc/operations.md.",
		Example: "  hyperscale gate --data /var/lib/hyperscale\n" +
			"  hyperscale gate --name g1 --data d1 --expect 3 --join 10.1.0.1:7402 --join 10.2.0.1:7402 \\\n" +
			"      --advertise 10.0.0.1 --listen 0.0.0.0:7400 --gossip 0.0.0.0:7402 --store-listen 0.0.0.0:7403 \\\n" +
			"      --cert node.crt --key-file node.key --ca ca.crt \\\n" +
			"      --store-cert store.crt --store-key store.key --store-ca store-ca.crt --keyring gossip.keys",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.config(a)
			if err != nil {
				return err
			}
			g, err := gate.New(gate.Config{Config: cfg}, gate.Deps{Log: a.daemonLog()})
			if err != nil {
				return refused(err)
			}
			return a.runStation(c.Context(), g)
		},
	}
	f.add(c, identity.Gate)
	c.AddCommand(snapshotCommand(a, identity.Gate), removeCommand(a, identity.Gate))
	return c
}
