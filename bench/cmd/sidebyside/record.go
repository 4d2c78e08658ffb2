//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A record is what a scenario leaves: what is printed and kept in
// doc/performance.md.
type record struct {
	sections []section
	commands []string // that were run
	left     []string // tools left out, each with the reason
	notes    []string
}

// A section is one table and the goals it shows.
type section struct {
	title string
	table string
	goals []goal
}

// markdown is the record with where, when and how it was made.
func (r record) markdown(made string) string {
	var s strings.Builder
	s.WriteString(made + "\n")
	for _, note := range r.notes {
		s.WriteString(note + "\n")
	}
	if len(r.left) > 0 {
		s.WriteString("Left out: " + strings.Join(r.left, ", ") + ".\n")
	}
	for _, sec := range r.sections {
		s.WriteString("\n**" + sec.title + "**\n\n" + sec.table)
		for i, g := range sec.goals {
			if i == 0 {
				s.WriteString("\n")
			}
			s.WriteString("- " + g.String() + "\n")
		}
	}
	if len(r.commands) > 0 {
		s.WriteString("\nWhat was run:\n\n    " + strings.Join(r.commands, "\n    ") + "\n")
	}
	return s.String()
}

// made says how a record can be had again, and where and when this one was.
func (b *bench) made(ctx context.Context, scenario string, args []string, load string) string {
	commit, err := exec.CommandContext(ctx, "git", "-C", b.root, "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		commit = []byte("unknown")
	}
	busy := ""
	if average, err := strconv.ParseFloat(load, 64); err == nil && average > 0.7 {
		busy = " Others were using the machine: of these figures only ratios of CPU mean much."
	}
	return fmt.Sprintf("`%s`, %s, commit %s: %s, %d CPUs, Linux %s, %s; load average before it %s."+busy,
		strings.Join(append([]string{"bench/engine.sh", scenario}, args...), " "), time.Now().Format("2006-01-02 15:04"),
		bytes.TrimSpace(commit), processor(), runtime.NumCPU(), kernel(), runtime.Version(), load)
}

func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string { return firstField("/proc/sys/kernel/osrelease") }

// loadAverage of the last minute: whether others were using the machine.
func loadAverage() string { return firstField("/proc/loadavg") }

func firstField(file string) string {
	text, err := os.ReadFile(file)
	fields := strings.Fields(string(text))
	if err != nil || len(fields) == 0 {
		return "unknown"
	}
	return fields[0]
}

// versions lists the peers by name and version, as far as they can be had.
func (b *bench) versions(ctx context.Context) string {
	var list []string
	for _, name := range []string{"fortio", "hey", "k6", "vegeta"} {
		if info, err := buildinfo.ReadFile(b.path(name)); err == nil {
			list = append(list, name+" "+info.Main.Version)
		}
	}
	for _, name := range []string{"wrk", "apache2-utils", "nghttp2-client"} {
		text, err := exec.CommandContext(ctx, "dpkg-query", "-W", "-f", "${Version}", name).Output()
		if err == nil && len(text) > 0 {
			list = append(list, name+" "+string(text))
		}
	}
	return strings.Join(list, ", ")
}

// keep puts text into doc/performance.md between the scenario's markers.
func (b *bench) keep(scenario, text string) error {
	file := filepath.Join(b.root, "doc", "performance.md")
	page, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keeping the record: %w", err)
	}
	if err := os.WriteFile(file, []byte(between(string(page), scenario, text)), 0o644); err != nil {
		return fmt.Errorf("keeping the record: %w", err)
	}
	return nil
}

// between replaces what stands between the markers of name in page; a page
// without them gets them at its end.
func between(page, name, text string) string {
	begin, end := "<!-- bench:"+name+" -->\n", "<!-- /bench:"+name+" -->\n"
	before, rest, found := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return strings.TrimRight(page, "\n") + "\n\n" + begin + text + end
	}
	return before + begin + text + end + after
}
