package report

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hyperscale"
	"hyperscale/internal/stats"
)

// Output writes a run in one format as it goes. Its methods are called one
// after another. Nothing follows an error. What the calls before it wrote is
// kept beside the output's path, but of a format that is a summary.
type Output interface {
	// Window takes a window as it comes and does not keep it.
	Window(w *stats.Window) error
	// Finish takes what the run came to and writes what is left to write.
	Finish(s *Summary, r *stats.Result) error
}

// Format is a kind of output.
type Format struct {
	Name  string // as in -o name=path
	About string // one line for help
	// Summary is set for formats that hold the exit code: they are finished after
	// all others, whose failing changes it.
	Summary bool
	// File is what a file is called that goes to a folder.
	File string
	// New begins an output of the plan's run. It writes nothing yet.
	New func(w io.Writer, plan *hyperscale.Plan) Output
}

// Formats are all formats, in the order of the help.
func Formats() []Format {
	return []Format{
		{Name: "json", About: "the summary, one JSON document (schema " + Schema + ")", Summary: true, File: "summary.json", New: newJSON},
		{Name: "ndjson", About: "each window as it comes, one JSON object a line (schema " + WindowSchema + ")", File: "windows.ndjson", New: newNDJSON},
		{Name: "csv", About: "a row for each step and second; tags are its last column", File: "seconds.csv", New: newCSV},
		{Name: "html", About: "the summary as one page that needs no other", Summary: true, File: "index.html", New: newHTML},
	}
}

// Spec is one output that was asked for.
type Spec struct {
	Format Format
	Path   string // "-": standard output
}

// ParseSpecs reads the texts given to -o: "name=path"; "name" and "name=-" are
// standard output, which only one can have.
func ParseSpecs(texts []string) ([]Spec, error) {
	var specs []Spec
	toStdout, paths := "", make(map[string]string)
	for _, text := range texts {
		spec, err := parseSpec(text)
		if err != nil {
			return nil, err
		}
		switch taken, twice := paths[spec.Path]; {
		case spec.Path == "-" && toStdout != "":
			return nil, fmt.Errorf("-o %s and -o %s both write to standard output; give one a path: -o %s=FILE", toStdout, text, spec.Format.Name)
		case spec.Path == "-":
			toStdout = text
		case twice:
			return nil, fmt.Errorf("-o %s and -o %s write to the same file", taken, text)
		default:
			paths[spec.Path] = text
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

func parseSpec(text string) (Spec, error) {
	name, path, given := strings.Cut(text, "=")
	if !given {
		path = "-"
	}
	if path == "" {
		return Spec{}, fmt.Errorf("-o %s: the path after = is empty", text)
	}
	var names []string
	for _, f := range Formats() {
		if f.Name == name {
			return Spec{f, inFolder(path, f.File)}, nil
		}
		names = append(names, f.Name)
	}
	if strings.ContainsAny(name, "./\\") {
		return Spec{}, fmt.Errorf("-o %s: expected NAME=PATH; did you mean -o json=%s", text, text)
	}
	return Spec{}, fmt.Errorf("-o %s: no output is called %q; there are %s", text, name, strings.Join(names, ", "))
}

// inFolder is the path, or where it is a folder the file of that name in it. A path
// that ends in a separator means one.
func inFolder(path, file string) string {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() || os.IsPathSeparator(path[len(path)-1]) {
		return filepath.Join(path, file)
	}
	return path
}

// ToStdout reports whether one of the outputs goes to standard output.
func ToStdout(specs []Spec) bool {
	for _, s := range specs {
		if s.Path == "-" {
			return true
		}
	}
	return false
}
