package yamlfile_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/plan/yamlfile"
)

// ceiling is far above what linear work takes on a busy machine, and far below what
// work of the square takes.
const ceiling = time.Minute

// TestHostileFiles parses files that are made to hurt: each must come back
// quickly and without much memory, whatever the parser thinks of it.
func TestHostileFiles(t *testing.T) {
	distinct := strings.Builder{}
	for i := range 400_000 {
		fmt.Fprintf(&distinct, "a%d: b\n", i)
	}
	stairs := strings.Builder{}
	for i := range 3000 {
		stairs.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	cases := map[string]string{"distinct keys": distinct.String(), "stairs": stairs.String(), "blank": "a: |" + strings.Repeat("\n", 100_000)}
	for _, piece := range []string{
		"[", "{a: ", "- ", "a: b\n", "- a\n", "a", "\n", "#a\n", "&a ", "!a ", "? ", ": ", "a\n", "---\n", "a,", "a: [", "\t", "'", "\"", "%a\n", "|\n a\n", "a: |\n  b\n",
		"- [a, b]\n", "{a: b},", "*a ", "<<: ", "&a [", "- - a\n", "é: ü\n", "\"\\n", "\r", "\\", "a: &a b\n", "...\n", "-\n", "[],", "- {a: {b: {c: d}}}\n", "? a\n", "@", "- &a\n", "a:\n", "{a},", "[a,],", "{a, b},", "a:\n  -\n", "- a:\n", "{a: },", "[?a],", "-\n\n", "- #\n", "a: #\n", "-\n|\n\n",
	} {
		sizes := []int{20_000, 300_000, yamlfile.MaxBytes}
		if testing.Short() || !strings.Contains("[ a: b\n ' a\n a: |\n  b\n", piece) {
			sizes = sizes[:2]
		}
		for _, size := range sizes {
			cases[fmt.Sprintf("%q to %d", piece, size)] = strings.Repeat(piece, size/len(piece))
		}
	}
	for name, src := range cases {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			yamlfile.Parse([]byte(src))
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; took > ceiling || mib > 1000 {
				t.Errorf("took %v and %d MiB", took, mib)
			}
		})
	}
}
