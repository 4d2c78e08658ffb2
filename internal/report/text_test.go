package report_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"hyperscale/internal/report"
	"hyperscale/internal/show"
)

// update writes the golden files anew: go test ./internal/report -update
var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with a file below testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update shows how. Got:\n%s", path, got)
	}
}

func text(t *testing.T, o report.TextOptions) string {
	t.Helper()
	var b strings.Builder
	if err := report.Text(&b, report.Summarise(shopResult(), report.Options{ExitCode: 99}), o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	golden(t, "summary.txt", text(t, report.TextOptions{Theme: show.NewTheme(false)}))
}

func TestTextFitsItsWidth(t *testing.T) {
	for _, width := range []int{80, 100, 132} {
		for _, colour := range []bool{false, true} {
			for line := range strings.Lines(text(t, report.TextOptions{Width: width, Theme: show.NewTheme(colour)})) {
				if n := show.Width(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%d cells in a line of at most %d: %q", n, width, line)
				}
			}
		}
	}
}

func TestTextIsSafeToPrint(t *testing.T) {
	got := text(t, report.TextOptions{Theme: show.NewTheme(false)})
	unsafe := strings.IndexFunc(got, func(r rune) bool { return unicode.IsControl(r) && r != '\n' })
	if unsafe >= 0 || !strings.Contains(got, `out of\nstock`) {
		t.Errorf("control character at %d of\n%s", unsafe, got)
	}
}
