package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"hyperscale"
	"hyperscale/internal/rpc/identity"
)

// acrossFlags are the flags of submit that gates go by.
type acrossFlags struct {
	datacenters  []string
	count        int
	spread, loss string
	partial      bool
	failFast     bool
}

func (f *acrossFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringSliceVar(&f.datacenters, "datacenters", nil, "`NAMES` of the datacenters to run in, by commas (at gates: as few as hold it)")
	flags.IntVar(&f.count, "count", 0, "run in `N` datacenters, the best by what is known of them (at gates)")
	flags.StringVar(&f.spread, "spread", "", "`HOW` the load is spread over datacenters: split divides it, replicate\nlets each run all of it (split)")
	flags.StringVar(&f.loss, "on-datacenter-loss", "", "what becomes of it when a datacenter is lost: `DO` degrade (go on without),\nrebalance (give its slots to others) or abort (degrade)")
	flags.BoolVar(&f.partial, "allow-partial", false, "fewer datacenters than asked for will do, as it begins and in the end")
	flags.BoolVar(&f.failFast, "fail-fast", false, "end everywhere once its part has failed in one datacenter")
}

// read gives what the flags say.
func (f *acrossFlags) read() (hyperscale.Across, error) {
	a := hyperscale.Across{
		Datacenters: f.datacenters, Count: f.count, Spread: hyperscale.Spread(f.spread), OnLoss: hyperscale.OnLoss(f.loss),
		AllowPartial: f.partial, FailFast: f.failFast,
	}
	if f.count > 0 && len(f.datacenters) > 0 {
		return a, refuse("--datacenters and --count; give one of them: the names, or how many of those that are best")
	}
	for i, name := range a.Datacenters {
		if err := identity.CheckDatacenter(name); err != nil {
			return a, refuse("--datacenters: %v", err)
		}
		if slices.Index(a.Datacenters, name) < i {
			return a, refuse("--datacenters: %s is named twice", name)
		}
	}
	if err := oneOf("spread", a.Spread, hyperscale.Spreads()); err != nil {
		return a, err
	}
	return a, oneOf("on-datacenter-loss", a.OnLoss, hyperscale.OnLosses())
}

// oneOf refuses a flag that is given and none of its words.
func oneOf[T ~string](flag string, given T, words []T) error {
	if given == "" || slices.Contains(words, given) {
		return nil
	}
	return refuse("--%s %s; expected %s", flag, given, listed(words))
}

// listed are words as people list them.
func listed[T ~string](words []T) string {
	text := ""
	for i, word := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			text += " or "
		default:
			text += ", "
		}
		text += string(word)
	}
	return text
}
