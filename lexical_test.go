package hyperscale_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1m30s": 90 * time.Second, "500ms": 500 * time.Millisecond, "2d": 48 * time.Hour, "1d12h": 36 * time.Hour,
		"1.5d": 36 * time.Hour, ".5s": 500 * time.Millisecond, "+5s": 5 * time.Second, "0s": 0, "1h0m0.25s": time.Hour + 250*time.Millisecond,
		"3us": 3000, "3µs": 3000, "3μs": 3000, "7ns": 7, "0.3ns": 0,
	} {
		if got, err := hyperscale.ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	refuse(t, hyperscale.ParseDuration, map[string]string{
		"10":         `the duration "10" has no unit; expected a duration such as 500ms, 30s or 1m30s; did you mean 10s`,
		"0":          `the duration "0" has no unit; expected a duration such as 500ms, 30s or 1m30s; did you mean 0s`,
		"-5s":        `the duration "-5s" is negative; expected a duration such as 500ms, 30s or 1m30s`,
		"":           `"" is no duration; expected a duration such as 500ms, 30s or 1m30s`,
		"5 s":        `"5 s" is no duration; expected a duration such as 500ms, 30s or 1m30s`,
		"5min":       `"5min" is no duration; expected a duration such as 500ms, 30s or 1m30s`,
		"1s-1s":      `"1s-1s" is no duration; expected a duration such as 500ms, 30s or 1m30s`,
		"999999d":    `the duration "999999d" is too long; expected at most 292 years`,
		"1e3s":       `"1e3s" is no duration; expected a duration such as 500ms, 30s or 1m30s`,
		"1..5s":      `"1..5s" is no duration; expected a duration such as 500ms, 30s or 1m30s`,
		"{{ wait }}": `"{{ wait }}" is no duration; expected a duration such as 500ms, 30s or 1m30s`,
	})
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]hyperscale.Rate{
		"500/s": 500 * hyperscale.PerSecond, "60/m": hyperscale.PerSecond, "3600/h": hyperscale.PerSecond,
		"0.000001/h": 1, "1.5/s": hyperscale.PerSecond * 3 / 2, "0/s": 0,
	} {
		if got, err := hyperscale.ParseRate(text); err != nil || got != want {
			t.Errorf("ParseRate(%q) = %v, %v, want %v", text, int64(got), err, int64(want))
		}
	}
	refuse(t, hyperscale.ParseRate, map[string]string{
		"500":          `the rate "500" has no unit; expected a rate such as 500/s, 30/m or 100/h; did you mean 500/s`,
		"500/d":        `"500/d" is no rate; expected a rate such as 500/s, 30/m or 100/h`,
		"-1/s":         `"-1/s" is no rate; expected a rate such as 500/s, 30/m or 100/h`,
		"1 /s":         `"1 /s" is no rate; expected a rate such as 500/s, 30/m or 100/h`,
		"1e3/s":        `"1e3/s" is no rate; expected a rate such as 500/s, 30/m or 100/h`,
		"1.0000001/s":  `the rate "1.0000001/s" has more than six decimals; expected a rate such as 500/s, 30/m or 100/h`,
		"9000000000/s": `the rate "9000000000/s" is too high; expected at most 2000000000/s`,
	})
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "512": 512, "1kB": 1000, "1KiB": 1024, "3MB": 3e6, "1MiB": 1 << 20, "2GB": 2e9, "1GiB": 1 << 30, "1.5KiB": 1536,
	} {
		if got, err := hyperscale.ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	refuse(t, hyperscale.ParseSize, map[string]string{
		"1KB":            `"1KB" is no size; expected a size such as 512, 64KiB or 1MB; did you mean 1kB`,
		"1k":             `"1k" is no size; expected a size such as 512, 64KiB or 1MB; did you mean 1kB`,
		"1B":             `"1B" is no size; expected a size such as 512, 64KiB or 1MB`,
		"1.5":            `the size "1.5" is no whole number of bytes; expected a size such as 512, 64KiB or 1MB`,
		"1 MiB":          `"1 MiB" is no size; expected a size such as 512, 64KiB or 1MB`,
		"99999999999GiB": `the size "99999999999GiB" is too large; expected a size such as 512, 64KiB or 1MB`,
	})
}

func TestParseShare(t *testing.T) {
	for text, want := range map[string]float64{"0.1%": 0.001, "5%": 0.05, "100%": 1, "0": 0, "1": 1, "0.25": 0.25, "0.01%": 0.0001} {
		if got, err := hyperscale.ParseShare(text); err != nil || got != want {
			t.Errorf("ParseShare(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	refuse(t, hyperscale.ParseShare, map[string]string{
		"5":    `the share "5" is above all; expected 0 … 1 or 0% … 100%; did you mean 5%`,
		"101%": `the share "101%" is above all; expected 0 … 1 or 0% … 100%`,
		"-1%":  `"-1%" is no share; expected a share such as 0.1% or 0.001`,
		"1 %":  `"1 %" is no share; expected a share such as 0.1% or 0.001`,
		"50ms": `"50ms" is no share; expected a share such as 0.1% or 0.001`,
	})
}

func TestFormat(t *testing.T) {
	for want, got := range map[string]string{
		"1m30s": hyperscale.FormatDuration(90 * time.Second), "0s": hyperscale.FormatDuration(0), "1h": hyperscale.FormatDuration(time.Hour),
		"10m": hyperscale.FormatDuration(10 * time.Minute), "1h0m5s": hyperscale.FormatDuration(time.Hour + 5*time.Second), "10s": hyperscale.FormatDuration(10 * time.Second),
		"500/s": (500 * hyperscale.PerSecond).String(), "100/m": hyperscale.Rate(100 * 60e6).String(), "0.1/h": hyperscale.Rate(1e5).String(), "0/s": hyperscale.Rate(0).String(),
		"1MiB": hyperscale.FormatSize(1 << 20), "1MB": hyperscale.FormatSize(1e6), "1000001": hyperscale.FormatSize(1000001),
		"0.1%": hyperscale.FormatShare(0.001), "100%": hyperscale.FormatShare(1), "0%": hyperscale.FormatShare(0), "5%": hyperscale.FormatShare(0.05),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFormsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Min(0).Draw(t, "duration"))
		if back, err := hyperscale.ParseDuration(hyperscale.FormatDuration(d)); err != nil || back != d {
			t.Fatalf("duration %v reads back as %v, %v", d, back, err)
		}
		r := hyperscale.Rate(rapid.Int64Range(0, math.MaxInt64/2).Draw(t, "rate"))
		if back, err := hyperscale.ParseRate(r.String()); err != nil || back != r {
			t.Fatalf("rate %d, %v reads back as %d, %v", int64(r), r, int64(back), err)
		}
		n := rapid.Int64Min(0).Draw(t, "size")
		if back, err := hyperscale.ParseSize(hyperscale.FormatSize(n)); err != nil || back != n {
			t.Fatalf("size %v reads back as %v, %v", n, back, err)
		}
		s := rapid.Float64Range(1e-9, 1).Draw(t, "share")
		if back, err := hyperscale.ParseShare(hyperscale.FormatShare(s)); err != nil || back != s {
			t.Fatalf("share %v reads back as %v, %v", s, back, err)
		}
	})
}

func TestLongTextsAreCut(t *testing.T) {
	_, err := hyperscale.ParseDuration(strings.Repeat("1h", 1000))
	if err == nil || len(err.Error()) > 200 {
		t.Errorf("got %v", err)
	}
}

// refuse checks the messages of texts that have not the form.
func refuse[T any](t *testing.T, parse func(string) (T, error), messages map[string]string) {
	t.Helper()
	for text, want := range messages {
		_, err := parse(text)
		if _, lexical := errors.AsType[*hyperscale.LexicalError](err); !lexical || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
