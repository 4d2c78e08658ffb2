package plan_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/plan"
	"hyperscale/internal/session"
)

// repeated writes n lines.
func repeated(n int, line func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i))
	}
	return b.String()
}

// ceiling is far above what a reader without loops in loops takes on a busy machine,
// and far below what one with them takes.
const ceiling = time.Minute

// TestHostilePlans reads plans within the limits of the file that are made to
// take long.
func TestHostilePlans(t *testing.T) {
	const head, steps = "target: http://x\n", "workflows:\n  a:\n    steps:\n"
	for name, text := range map[string]string{
		"many steps":       head + steps + repeated(10_000, func(i int) string { return fmt.Sprintf("      - get: /%d\n", i) }),
		"many equal steps": head + steps + repeated(10_000, func(int) string { return "      - get: /\n" }),
		"many variables": head + steps + repeated(6_000, func(i int) string {
			return fmt.Sprintf("      - {get: \"/{{ v%d }}\", capture: {v%d: body}}\n", i-1, i)
		}),
		"all unknown": head + steps + repeated(6_000, func(i int) string { return fmt.Sprintf("      - {get: \"/{{ u%d }}\", capture: {v%d: body}}\n", i, i) }),
		"all faulty":  head + steps + repeated(10_000, func(i int) string { return fmt.Sprintf("      - {gt%d: /}\n", i) }),
		"needs": head + steps + repeated(8_000, func(i int) string {
			return fmt.Sprintf("      - {name: s%d, get: /, needs: [%s]}\n", i, map[bool]string{true: "", false: fmt.Sprintf("s%d", i-1)}[i == 0])
		}),
		"no needs met": head + steps + repeated(8_000, func(i int) string { return fmt.Sprintf("      - {get: /, needs: [s%d]}\n", i) }),
		"nested groups": head + steps + "      - " + strings.Repeat("group: [{", 29) + "get: /, capture: {" +
			strings.TrimSuffix(repeated(10_000, func(i int) string { return fmt.Sprintf("v%d: body, ", i) }), ", ") + "}" + strings.Repeat("}]", 29),
		"vars that double": head + "vars:\n  v0: x\n" + repeated(60, func(i int) string { return fmt.Sprintf("  v%d: \"{{ v%d }}{{ v%d }}\"\n", i+1, i, i) }) + steps + "      - get: /{{ v60 }}\n",
		"a chain of vars":  head + "vars:\n" + repeated(20_000, func(i int) string { return fmt.Sprintf("  v%d: \"{{ v%d }}\"\n", i, i+1) }) + "  v20000: x\n" + steps + "      - get: /{{ v0 }}\n",
		"heavy defaults":   head + "defaults:\n  headers:\n" + repeated(10_000, func(i int) string { return fmt.Sprintf("    h%d: x\n", i) }) + steps + repeated(8_000, func(int) string { return "      - get: /\n" }),
		"workflows in layers": head + "workflows:\n  w0: {steps: [{get: /}]}\n  x0: {steps: [{get: /}]}\n" +
			repeated(2000, func(i int) string {
				return fmt.Sprintf("  w%d: {after: [w%d, x%d], use: {a: w0.a}, steps: [{get: /}]}\n  x%d: {after: [w%d, x%d], steps: [{get: /}]}\n", i+1, i, i, i+1, i, i)
			}),
		"thresholds":  head + steps + "      - get: /\nthresholds:\n" + repeated(30_000, func(i int) string { return fmt.Sprintf("  - p%d < 5\n", i) }),
		"long stages": head + "workflows:\n  a:\n    steps: [{get: /}]\n    load:\n      stages:\n" + repeated(10_000, func(i int) string { return fmt.Sprintf("        - {to: %d/s, over: 1ms}\n", i%7) }),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		if l, err := readText(text); err == nil {
			_ = l.Close()
		}
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; took > ceiling || mib > 1000 {
			t.Errorf("%s: %v and %d MiB", name, took, mib)
		} else if testing.Verbose() {
			t.Logf("%s: %v and %d MiB", name, took, mib)
		}
	}
}

// TestLongTexts reads texts with so many names that looking for the place of each
// from the text's beginning would take a minute.
func TestLongTexts(t *testing.T) {
	const (
		head  = "target: http://x\n"
		steps = "workflows:\n  a:\n    steps:\n"
		bound = 10 * time.Second
		names = 100_000
	)
	condition := strings.TrimSuffix(strings.Repeat("not x and ", names), " and ")
	for name, text := range map[string]string{
		"unknown in a condition": head + steps + "      - {get: /, when: \"" + condition + "\"}\n",
		"known in a condition":   head + "vars: {x: 1}\n" + steps + "      - {get: /, when: \"" + condition + "\"}\n",
		"in lines":               head + steps + "      - get: /\n        when: |-\n          " + strings.ReplaceAll(condition, " and ", " and\n          ") + "\n",
		"unknown in a template":  head + steps + "      - get: \"/" + strings.Repeat("{{ x }}", names) + "\"\n",
		"vars that name each other": head + "vars:\n  a: \"" + strings.Repeat("{{ b }}", names) + "\"\n  b: \"" +
			strings.Repeat("{{ a }}", names) + "\"\n" + steps + "      - get: /\n",
	} {
		start := time.Now()
		if l, err := readText(text); err == nil {
			_ = l.Close()
		} else if testing.Verbose() {
			t.Logf("%s: %.200s", name, err.Error())
		}
		if took := time.Since(start); took > bound {
			t.Errorf("%s: %v", name, took)
		} else if testing.Verbose() {
			t.Logf("%s: %v", name, took)
		}
	}
}

// FuzzRead reads anything: no panic, no endless reading, and what the reader
// takes the sessions take too.
func FuzzRead(f *testing.F) {
	for _, file := range []string{"testdata/plans.txt", "testdata/faults.txt"} {
		all, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for block := range strings.SplitSeq(string(all), "\n====\n") {
			text, _, _ := strings.Cut(block, "----\n")
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 20_000 {
			return
		}
		start := time.Now()
		l, err := readText(text)
		if took := time.Since(start); took > ceiling {
			t.Errorf("took %v", took)
		}
		if err != nil {
			return
		}
		defer func() { _ = l.Close() }()
		l.Plan.Target = strings.Replace(l.Plan.Target, plan.DemoTarget, "http://127.0.0.1:1", 1)
		in := session.Inputs{Rows: map[string]session.Rows{}, Use: map[string]session.Value{}}
		for name, rows := range l.Data {
			in.Rows[name] = rows
		}
		for i := range l.Plan.Workflows {
			if _, err := session.Compile(l.Plan, i, in); err != nil {
				t.Errorf("the reader took what the sessions refuse: %v", err)
			}
		}
	})
}
