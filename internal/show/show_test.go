package show_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"hyperscale/internal/show"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", 1: "1ns", 999: "999ns",
		time.Microsecond: "1µs", 1500: "1.5µs", 342 * time.Microsecond: "342µs",
		999499: "999µs", 999500: "1ms",
		1234567: "1.23ms", 12345678: "12.3ms", 123456789: "123ms", 999500 * time.Microsecond: "1s",
		time.Second: "1s", 12340 * time.Millisecond: "12.3s", 59940 * time.Millisecond: "59.9s",
		59950 * time.Millisecond: "1m00s", time.Minute: "1m00s", 65 * time.Second: "1m05s",
		time.Hour: "1h00m", 3599*time.Second + 600*time.Millisecond: "1h00m",
		26*time.Hour + 59*time.Minute: "1d02h", -time.Second: "-1s",
		math.MinInt64: "-106751d23h",
	} {
		if got := show.Duration(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0:00", 0: "0:00", 7900 * time.Millisecond: "0:07",
		760 * time.Second: "12:40", 3723 * time.Second: "1:02:03",
	} {
		if got := show.Clock(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{show.Short(9999), "9999"}, {show.Short(10000), "10k"}, {show.Short(12345), "12.3k"},
		{show.Short(999499), "999k"}, {show.Short(999500), "1M"}, {show.Short(4567890), "4.57M"},
		{show.Short(math.MaxInt64), "9.22E"}, {show.Short(-20000), "-20k"},
		{show.Rate(0), "0"}, {show.Rate(0.25), "0.25/s"}, {show.Rate(0.001), "3.6/h"},
		{show.Rate(12.34), "12.3/s"}, {show.Rate(999.6), "1,000/s"}, {show.Rate(48120.4), "48,120/s"},
		{show.Rate(math.NaN()), show.Nothing},
		{show.Bytes(0), "0 B"}, {show.Bytes(999), "999 B"}, {show.Bytes(1000), "1 kB"}, {show.Bytes(1234567), "1.23 MB"},
		{show.Percent(0), "0"}, {show.Percent(0.00001), "<0.01%"}, {show.Percent(0.0005), "0.05%"},
		{show.Percent(0.123), "12.3%"}, {show.Percent(0.99999), ">99.99%"}, {show.Percent(0.9995), "99.95%"},
		{show.Percent(0.99899), "99.89%"}, {show.Percent(1), "100%"}, {show.Percent(math.NaN()), show.Nothing},
		{show.Ratio(1, 4), "25%"}, {show.Ratio(0, 0), show.Nothing},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ünïcode 漢": "plain, ünïcode 漢",
		"a\nb\tc\r":        `a\nb\tc\r`,
		"\x1b[31mred":      `\x1b[31mred`,
		"\u0085\u202e":     `\x85\u202e`,
		"\xff\xfe":         `\xff\xfe`,
		"\U000e0001":       `\U000e0001`,
		"�":                "�",
	} {
		if got := show.Clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestCleanLeavesNothingUnsafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		out := show.Clean(in)
		if !utf8.ValidString(out) || strings.ContainsAny(out, "\x1b\n\r\x00\x7f\u009b\u202e") {
			t.Fatalf("%q gave %q", in, out)
		}
		if show.Clean(out) != out {
			t.Fatalf("cleaning %q again gave %q", out, show.Clean(out))
		}
	})
}

// A text that begins with a combining mark joins the blank before it.
func TestRightOfAMark(t *testing.T) {
	if got := show.Right("\u0903", 2); show.Width(got) != 2 {
		t.Errorf("%q takes %d cells, want 2", got, show.Width(got))
	}
}

func TestFittingIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := show.Clean(rapid.String().Draw(t, "text"))
		width := rapid.IntRange(-1, 40).Draw(t, "width")
		if got := show.Width(show.Fit(s, width)); got > max(0, width) {
			t.Fatalf("Fit(%q, %d) takes %d", s, width, got)
		}
		for _, placed := range []string{show.Left(s, width), show.Right(s, width)} {
			if got := show.Width(placed); got != max(0, width) {
				t.Fatalf("%q placed in %d takes %d", s, width, got)
			}
		}
	})
}

func TestWrap(t *testing.T) {
	got := show.Wrap("the quick brown fox averylongwordindeed", 10)
	want := []string{"the quick", "brown fox", "averylongw", "ordindeed"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%q, want %q", got, want)
	}
	if got := show.Wrap("", 10); len(got) != 1 {
		t.Errorf("nothing gave %q", got)
	}
}

func TestFlow(t *testing.T) {
	for width, want := range map[int]string{
		40: "one part, two, three words now", 20: "one part, two|three words now", 9: "one part|two|three|words now", 3: "one|par|t|two|thr|ee|wor|ds|now",
	} {
		if got := strings.Join(show.Flow([]string{"one part", "two", "three words now"}, ", ", width), "|"); got != want {
			t.Errorf("at %d: %q, want %q", width, got, want)
		}
	}
	if got := show.Flow(nil, ", ", 10); len(got) != 1 || got[0] != "" {
		t.Errorf("nothing gave %q", got)
	}
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		part  float64
		width int
		want  string
	}{
		{0, 4, "░░░░"}, {1, 4, "████"}, {0.5, 4, "██░░"}, {0.54, 4, "██▏░"}, {0.999, 4, "███▉"},
		{-1, 2, "░░"}, {7, 2, "██"}, {math.NaN(), 2, "░░"}, {0.5, 0, ""},
	} {
		if got := show.Bar(c.part, c.width); got != c.want {
			t.Errorf("Bar(%v, %d) = %q, want %q", c.part, c.width, got, c.want)
		}
	}
}

func TestSpark(t *testing.T) {
	for _, c := range []struct {
		values []float64
		width  int
		want   string
	}{
		{nil, 5, ""}, {[]float64{0, 0}, 5, "▁▁"}, {[]float64{1, 2, 4, 8}, 5, "▂▃▅█"},
		{[]float64{9, 1, 1}, 2, "██"}, {[]float64{math.NaN(), -1, 5}, 3, "▁▁█"}, {[]float64{1}, -1, ""},
		{[]float64{math.Inf(1), 1}, 2, "██"},
	} {
		if got := show.Spark(c.values, c.width); got != c.want {
			t.Errorf("Spark(%v, %d) = %q, want %q", c.values, c.width, got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	table := show.Table{
		Head: []string{"step", "count", "p99"},
		Rows: [][]string{{"GET /a/very/long/path/indeed", "1,200", "3.4ms"}, {"漢字", "7"}},
	}
	for width, want := range map[int]string{
		60: "step                          count    p99\nGET /a/very/long/path/indeed  1,200  3.4ms\n漢字                              7",
		30: "step              count    p99\nGET /a/very/lon…  1,200  3.4ms\n漢字                  7",
		5:  "step          count    p99\nGET /a/very…  1,200  3.4ms\n漢字              7",
	} {
		if got := strings.Join(table.Lines(width), "\n"); got != want {
			t.Errorf("at %d:\n%s\nwant\n%s", width, got, want)
		}
	}
}

func TestThemeKeepsWidths(t *testing.T) {
	coloured, plain := show.NewTheme(true), show.NewTheme(false)
	for _, p := range []show.Paint{coloured.Good, coloured.Bad, coloured.Warn, coloured.Strong, coloured.Faint, coloured.Accent} {
		if got := p("wörd"); show.Width(got) != 4 || got == "wörd" {
			t.Errorf("painted: %q", got)
		}
	}
	if got := plain.Bad(" a\tb "); got != " a\tb " {
		t.Errorf("plain paint changed the text: %q", got)
	}
}
