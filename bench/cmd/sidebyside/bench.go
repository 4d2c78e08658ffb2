//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A bench is what all scenarios share: where things are and what was asked for.
type bench struct {
	root    string // the checkout; commands run in it
	bin     string // folder of the programs that engine.sh built
	scratch string // folder for files of a run; removed at the end
	out     io.Writer
	options
}

// The options of the command line. Zero durations, rounds and rates mean the
// scenario's own default.
type options struct {
	rounds      int
	duration    time.Duration // of one run
	connections []int
	rate        int
	vus         int      // of the memory scenario
	only        []string // names of tools; empty: all
	port        int      // of the target
	clientCPU   int
	targetCPU   int
	write       bool // into doc/performance.md
}

// orDuration gives d unless the user said something else.
func (o options) orDuration(d time.Duration) time.Duration {
	if o.duration > 0 {
		return o.duration
	}
	return d
}

func (o options) orRounds(n int) int {
	if o.rounds > 0 {
		return o.rounds
	}
	return n
}

func (o options) orRate(n int) int {
	if o.rate > 0 {
		return o.rate
	}
	return n
}

// A task is one run of one tool, as a scenario wants it.
type task struct {
	url         string // of the target, ending in a slash
	connections int
	duration    time.Duration
	rate        int           // requests per second; 0: as fast as answers come
	cap         int           // virtual users that an open load may use; 0: connections
	ramp        time.Duration // over which the connections of a memory run open
	insecure    bool          // the target's certificate is its own
	file        string        // a fresh path for the tool's results
}

// present picks from tools those that are asked for and can be run; left says
// why the others cannot.
func (b *bench) present(tools []tool) (have []tool, left []string) {
	for _, t := range tools {
		if len(b.only) > 0 && !slices.Contains(b.only, t.name) && !slices.Contains(b.only, t.program) {
			continue
		}
		if b.path(t.program) == "" {
			left = append(left, fmt.Sprintf("%s (%s)", t.name, b.why(t.program)))
			continue
		}
		have = append(have, t)
	}
	return have, left
}

// path finds a program among those built here and then in PATH; "" if it is
// nowhere.
func (b *bench) path(program string) string {
	for _, folder := range append([]string{b.bin}, filepath.SplitList(os.Getenv("PATH"))...) {
		file := filepath.Join(folder, program)
		if info, err := os.Stat(file); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			return file
		}
	}
	return ""
}

// why says what engine.sh wrote down about a program that it could not get.
func (b *bench) why(program string) string {
	text, err := os.ReadFile(filepath.Join(b.bin, program+".absent"))
	if err != nil || len(text) == 0 {
		return "not installed"
	}
	return string(text)
}

// note prints progress; results go into the record.
func (b *bench) note(format string, args ...any) {
	fmt.Fprintf(b.out, format+"\n", args...)
}
