package plan

import (
	"io"

	"hyperscale"
	"hyperscale/internal/plan/data"
	"hyperscale/internal/plan/yamlfile"
)

// Fault is one thing that is wrong with a plan.
type Fault = yamlfile.Fault

// Faults is everything that is wrong with a plan: an error whose message is one
// line per fault in file order, 50 at most and then the count.
type Faults = yamlfile.Faults

// DemoTarget is the target of plans that bring their own: the caller starts the
// demo target and puts its URL in this one's place.
const DemoTarget = "demo"

// Origin says where a setting was made. Later origins win.
type Origin int

// The origins, weakest first.
const (
	FromDefault Origin = iota // built in
	FromConfig                // the user's configuration file
	FromPlan                  // the plan
	FromEnv                   // a HYPERSCALE_* variable
	FromFlag                  // a flag of the command
)

// Setting is one value for the plan from outside of it: Name is that of the
// long flag without dashes, Value its text as typed. A flag that is given
// several times makes several settings.
type Setting struct {
	Name, Value string
	From        Origin // FromConfig, FromEnv or FromFlag
}

// Options are what the reader takes besides the plan.
type Options struct {
	// Env looks an environment variable up: the -e flags over the process's own.
	// nil: none is set.
	Env func(name string) (string, bool)
	// Settings override the plan, or the defaults when they are FromConfig.
	Settings []Setting
	// Dir is where a plan that comes from no file finds its data; "": the
	// working directory.
	Dir string
}

// Loaded is a plan that was read without a fault.
type Loaded struct {
	Plan *hyperscale.Plan
	Data map[string]data.Rows // by the data set's name
}

// Close closes the data files. The rows can't be read after it.
func (l *Loaded) Close() error { return nil }

// ReadFile reads the plan in the named file. The error is [Faults].
func ReadFile(path string, o Options) (*Loaded, error) { return Read(path, nil, o) }

// Read reads a plan from r; name is what its faults call it. The error is
// [Faults].
func Read(name string, r io.Reader, o Options) (*Loaded, error) {
	return nil, Faults{{File: name, What: "the plan can't be read"}}
}
