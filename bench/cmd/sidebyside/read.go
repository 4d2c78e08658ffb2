//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// find gives the first group of pattern's first match in text.
func find(text, pattern string) (string, error) {
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("its output has no %q: %.400s", pattern, text)
	}
	return m[1], nil
}

func findInt(text, pattern string) (int64, error) {
	s, err := find(text, pattern)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(s, 10, 64)
}

// findTime reads a number followed by a unit of Go's, or by unit if it has none.
func findTime(text, pattern, unit string) time.Duration {
	s, err := find(text, pattern)
	if err != nil {
		return 0 // a run with hardly any answers has no percentiles
	}
	d, err := time.ParseDuration(s + unit)
	if err != nil {
		return 0
	}
	return d
}

// readJSON fills into from the tool's result file.
func readJSON(file string, into any, output string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("it left no result: %w; it said: %.400s", err, output)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading its result: %w", err)
	}
	return nil
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

func readLimit(_ *bench, _ task, output string) (reading, error) {
	n, err := findInt(output, `"requests": (\d+)`)
	return reading{requests: n}, err
}

func readWrk(_ *bench, _ task, output string) (reading, error) {
	n, err := findInt(output, `(\d+) requests in`)
	return reading{requests: n, p99: findTime(output, `\b99%\s+([\d.]+(?:us|ms|s|m))`, "")}, err
}

func readAb(_ *bench, _ task, output string) (reading, error) {
	n, err := findInt(output, `Complete requests:\s+(\d+)`)
	return reading{requests: n, p99: findTime(output, `\b99%\s+(\d+)`, "ms")}, err
}

func readH2load(_ *bench, t task, output string) (reading, error) {
	n, err := findInt(output, `requests: .* (\d+) done`)
	if err != nil {
		return reading{}, err
	}
	log, err := os.ReadFile(t.file)
	if err != nil {
		return reading{requests: n}, nil // asked for only with a rate
	}
	return reading{requests: n, p99: h2loadP99(string(log))}, nil
}

// h2loadP99 reads the log's lines "start, status, microseconds".
func h2loadP99(log string) time.Duration {
	var times []time.Duration
	for line := range strings.Lines(log) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue
		}
		if us, err := strconv.ParseInt(fields[2], 10, 64); err == nil {
			times = append(times, time.Duration(us)*time.Microsecond)
		}
	}
	return nearestRank(times, 0.99)
}

// nearestRank is the smallest value that at least the share q of all reaches.
func nearestRank(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	rank := int(math.Ceil(q * float64(len(times))))
	return times[max(rank, 1)-1]
}

func readHey(_ *bench, _ task, output string) (reading, error) {
	var n int64
	for _, m := range regexp.MustCompile(`\[\d+\]\s+(\d+) responses`).FindAllStringSubmatch(output, -1) {
		of, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return reading{}, err
		}
		n += of
	}
	if n == 0 {
		return reading{}, fmt.Errorf("it counts no answers: %.400s", output)
	}
	return reading{requests: n, p99: findTime(output, `\b99%+ in ([\d.]+) secs`, "s")}, nil
}

func readVegeta(b *bench, t task, output string) (reading, error) {
	_, report, err := b.run(context.Background(), []string{"vegeta", "report", "-type", "json", t.file}, nil)
	if err != nil {
		return reading{}, err
	}
	var result struct {
		Requests  int64
		Latencies struct {
			P99 time.Duration `json:"99th"`
		}
	}
	if err := json.Unmarshal([]byte(report), &result); err != nil {
		return reading{}, fmt.Errorf("reading its report: %w; it said: %.400s", err, output+report)
	}
	return reading{requests: result.Requests, p99: result.Latencies.P99}, nil
}

func readFortio(_ *bench, t task, output string) (reading, error) {
	var result struct {
		DurationHistogram struct {
			Count       int64
			Percentiles []struct{ Percentile, Value float64 }
		}
	}
	if err := readJSON(t.file, &result, output); err != nil {
		return reading{}, err
	}
	r := reading{requests: result.DurationHistogram.Count}
	for _, p := range result.DurationHistogram.Percentiles {
		if p.Percentile == 99 {
			r.p99 = seconds(p.Value)
		}
	}
	return r, nil
}

func readK6(_ *bench, t task, output string) (reading, error) {
	var result struct {
		Requests, FailedChecks int64
		P99                    float64
	}
	if err := readJSON(t.file, &result, output); err != nil {
		return reading{}, err
	}
	r := reading{requests: result.Requests, p99: milliseconds(result.P99)}
	if result.FailedChecks > 0 {
		return r, fmt.Errorf("%d of its checks failed", result.FailedChecks)
	}
	return r, nil
}

// readHyperscale reads the summary (schema hyperscale.summary/1).
func readHyperscale(_ *bench, t task, output string) (reading, error) {
	type times struct {
		P99 *float64 `json:"p99"`
	}
	var result struct {
		Schema  string
		Verdict struct{ State string }
		Totals  struct {
			Iterations struct{ Due, Started int64 }
			Requests   struct{ Started int64 }
			Checks     map[string]struct{ Failed int64 }
			Response   times `json:"response_ms"`
			Lateness   times `json:"lateness_ms"`
		}
	}
	if err := readJSON(t.file, &result, output); err != nil {
		return reading{}, err
	}
	if result.Schema != "hyperscale.summary/1" {
		return reading{}, fmt.Errorf("its summary has the schema %q", result.Schema)
	}
	totals := result.Totals
	r := reading{
		requests: totals.Requests.Started, verdict: result.Verdict.State,
		due: totals.Iterations.Due, started: totals.Iterations.Started,
	}
	if p99 := totals.Response.P99; p99 != nil {
		r.p99 = milliseconds(*p99)
	}
	if p99 := totals.Lateness.P99; p99 != nil {
		r.lateness = milliseconds(*p99)
	}
	for name, check := range totals.Checks {
		if check.Failed > 0 {
			return r, fmt.Errorf("its check %q failed %d times", name, check.Failed)
		}
	}
	return r, nil
}
