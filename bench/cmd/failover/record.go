//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// made says how the figures can be had again, and where and when these were.
func made(ctx context.Context, root string, rounds int, only, load string) string {
	commit, err := exec.CommandContext(ctx, "git", "-C", root, "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		commit = []byte("unknown")
	}
	command := fmt.Sprintf("bench/failover.sh -rounds %d", rounds)
	if only != "" {
		command += " -only " + only
	}
	return fmt.Sprintf("`%s`, %s, commit %s: %s, %d CPUs, %s, %s; load average before it %s.\n",
		command, time.Now().Format("2006-01-02 15:04"), bytes.TrimSpace(commit), processor(), runtime.NumCPU(), runtime.GOOS, runtime.Version(), load) +
		"3 managers and 3 workers of 2 cores each, all on this machine beside the target; a load of " + fmt.Sprint(rate) + "/s on 3 shares.\n\n"
}

// processor is its name, as far as the system tells.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	_, rest, _ := strings.Cut(string(text), "model name")
	name, _, _ := strings.Cut(strings.TrimLeft(rest, "\t :"), "\n")
	return name
}

// loadAverage of the last minute: whether others were using the machine.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// tableOf is the table of all kinds.
func tableOf(rows [][]string) string {
	text := "| from → to | least | median | most | budget of the median | | rounds that failed |\n|---|--:|--:|--:|--:|---|--:|\n"
	for _, row := range rows {
		text += "| " + strings.Join(row, " | ") + " |\n"
	}
	return text
}

// keepIn puts text between the markers in a page, or at its end.
func keepIn(file, text string) error {
	const begin, end = "<!-- bench:failover -->\n", "<!-- /bench:failover -->\n"
	page, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("keeping the figures: %w", err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		before, after = strings.TrimRight(string(page), "\n")+"\n\n", ""
	}
	return os.WriteFile(file, []byte(before+begin+text+end+after), 0o644)
}
