package plan

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

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

// Options are what the reader takes besides the plan.
type Options struct {
	// Env looks a variable of the process's environment up. nil: none is set.
	Env func(name string) (string, bool)
	// GivenEnv is variables by their names that flags (-e) set: over Env.
	GivenEnv map[string]string
	// Settings override the plan, or what the plan leaves open when they are
	// FromConfig.
	Settings []Setting
	// Dir is where a plan that comes from no file finds its data; "": the
	// working directory.
	Dir string
}

// Loaded is a plan that was read without a fault.
type Loaded struct {
	Plan *hyperscale.Plan
	Data map[string]data.Rows // by the data set's name

	name   string
	sets   []*data.Set
	values []Effective
	uses   map[string][]string // by workflow, the data sets that it reads
}

// Close closes the data files. Their rows can't be read after it.
func (l *Loaded) Close() error {
	var all []error
	for _, s := range l.sets {
		all = append(all, s.Close())
	}
	return errors.Join(all...)
}

// ReadFile reads the plan in the named file. The error is [Faults].
func ReadFile(path string, o Options) (*Loaded, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, unreadable(path, err)
	case info.IsDir():
		return nil, Faults{{File: path, What: "is a directory", Expected: "a plan in a file"}}
	case info.Size() > yamlfile.MaxBytes:
		fault := *yamlfile.TooLarge()
		fault.File = path
		return nil, Faults{fault}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer func() { _ = file.Close() }() // it was only read
	o.Dir = filepath.Dir(path)
	return Read(path, file, o)
}

// unreadable is the fault of a plan that can't be read at all.
func unreadable(path string, err error) error {
	if at, is := errors.AsType[*os.PathError](err); is {
		err = at.Err
	}
	return Faults{{File: path, What: "the plan can't be read: " + err.Error()}}
}

// Read reads a plan from from; name is what its faults call it. The error is
// [Faults]. The plan is complete but for two things that the caller settles: a
// target that is [DemoTarget], and a Deadline of 0 where the plan gives none.
func Read(name string, from io.Reader, o Options) (*Loaded, error) {
	text, err := io.ReadAll(io.LimitReader(from, yamlfile.MaxBytes+1))
	if err != nil {
		return nil, unreadable(name, err)
	}
	r := newReader(name, o)
	loaded := r.read(text)
	if len(r.Faults) == 0 {
		return loaded, nil
	}
	for _, s := range r.sets {
		_ = s.Close() // the plan is refused
	}
	for i := range r.Faults {
		if !r.Faults[i].Outside {
			r.Faults[i].File = name
		}
	}
	return nil, r.Faults.Sorted()
}

// reader turns one file into a plan. Its faults are collected; as long as there
// is one, what it built is of no use.
type reader struct {
	yamlfile.Decoder
	options Options
	name    string // of the file
	dir     string // that paths are relative to
	file    planFile
	plan    *hyperscale.Plan
	names   names
	env     map[string]string // variables that templates use
	files   map[string][]byte // by path
	sets    []*data.Set       // in the order of plan.Data
	flows   []*flow
	byName  map[string]*flow
	given   given
	tlsOf   map[*tlsFile]hyperscale.TLS // of options that many requests share
	pairs   int                         // of all requests together
}

func newReader(name string, o Options) *reader {
	return &reader{
		options: o, name: name, dir: o.Dir, plan: &hyperscale.Plan{}, byName: map[string]*flow{},
		env: map[string]string{}, files: map[string][]byte{}, given: given{scale: 1, from: map[string]Origin{}},
		tlsOf: map[*tlsFile]hyperscale.TLS{},
	}
}

// read reads the plan's text.
func (r *reader) read(text []byte) *Loaded {
	root, faults := yamlfile.Parse(text)
	r.Faults = faults
	if root == nil {
		if len(faults) == 0 {
			r.Fault(yamlfile.Pos{}, "the plan is empty", "at least workflows with steps")
		}
		return nil
	}
	r.Decode(root, &r.file)
	if root.Kind != yamlfile.Mapping {
		return nil
	}
	own := r.ownVars()
	settingPart{r}.settings()
	r.general()
	r.openData(text)
	r.variables()
	flowPart{r}.workflows()
	thresholdPart{r}.thresholds()
	rowPart{r}.rowsSuffice()
	r.strangeVars(own)
	if len(r.Faults) > 0 {
		return nil
	}
	r.finish()
	return r.loaded()
}

// loaded is the plan with its data.
func (r *reader) loaded() *Loaded {
	l := &Loaded{Plan: r.plan, Data: map[string]data.Rows{}, name: r.name, sets: r.sets}
	for i, s := range r.sets {
		l.Data[r.plan.Data[i].Name] = s
	}
	l.values, l.uses = effectiveValues(r), dataUses(r)
	return l
}

// path is a path of the plan as seen from here.
func (r *reader) path(written string) string {
	if filepath.IsAbs(written) {
		return written
	}
	return filepath.Join(r.dir, filepath.FromSlash(written))
}

// largestFile bounds the files that are loaded whole: bodies and certificates.
const largestFile = 256 << 20

// load reads a file beside the plan, once.
func (r *reader) load(path *yamlfile.Value[string]) []byte {
	if content, ok := r.files[path.V]; ok || path.V == "" {
		return content
	}
	content, err := readBounded(r.path(path.V))
	if err != nil {
		r.Fault(path.Pos(), fmt.Sprintf("the file %s can't be read: %v", path.V, err), "")
	}
	r.files[path.V] = content
	return content
}

// readBounded reads a regular file that is not too large.
func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no regular file")
	case info.Size() > largestFile:
		return nil, fmt.Errorf("it is larger than %s", hyperscale.FormatSize(largestFile))
	}
	content, err := os.ReadFile(path)
	return content, withoutPath(err)
}

// withoutPath leaves the path out of an error that will be told with it.
func withoutPath(err error) error {
	if at, is := errors.AsType[*os.PathError](err); is {
		return at.Err
	}
	return err
}

// baseName is what a plan without a name is called.
func baseName(file string) string {
	base := filepath.Base(file)
	if name := strings.TrimSuffix(base, filepath.Ext(base)); name != "" && name != "-" && name != "." {
		return name
	}
	return "plan"
}
