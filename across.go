package hyperscale

// Across says how a job runs over the datacenters of gates. The zero value: its load
// is divided among as few of them as hold it, and goes on without one that is lost.
type Across struct {
	Datacenters  []string `json:",omitempty"` // where it runs: in all of these, or Count of them; none: wherever it is best
	Count        int      `json:",omitempty"` // in how many it runs; 0: in all of the list, or without one in as few as hold it
	Spread       Spread   `json:",omitempty"`
	OnLoss       OnLoss   `json:",omitempty"`
	AllowPartial bool     `json:",omitempty"` // fewer than it asks for will do, as it begins and in the end
	FailFast     bool     `json:",omitempty"` // its part failing in one ends it everywhere
}

// None reports whether nothing is said.
func (a Across) None() bool {
	return len(a.Datacenters) == 0 && a.Count == 0 && a.Spread == "" && a.OnLoss == "" && !a.AllowPartial && !a.FailFast
}

// Spread is what each datacenter runs of a load. The zero value is [SpreadSplit].
type Spread string

// The spreads.
const (
	SpreadSplit     Spread = "split"     // a part: together they run each slot once
	SpreadReplicate Spread = "replicate" // all of it: together they run each slot as often as there are datacenters
)

// Spreads are all of them.
func Spreads() []Spread { return []Spread{SpreadSplit, SpreadReplicate} }

// Copies is how many datacenters run the whole load each; 0: they divide it, or it is not
// said how many they are.
func (a Across) Copies() int {
	switch {
	case a.Spread != SpreadReplicate:
		return 0
	case a.Count > 0:
		return a.Count
	}
	return len(a.Datacenters)
}

// OnLoss is what becomes of a job when a datacenter that runs a part of it is lost. The
// zero value is [LossDegrade].
type OnLoss string

// What becomes of it.
const (
	LossDegrade   OnLoss = "degrade"   // it goes on without: its slots wait for it, and nobody else has them
	LossRebalance OnLoss = "rebalance" // others go on with its slots
	LossAbort     OnLoss = "abort"     // it ends FAILED
)

// OnLosses are all of them.
func OnLosses() []OnLoss { return []OnLoss{LossDegrade, LossRebalance, LossAbort} }
