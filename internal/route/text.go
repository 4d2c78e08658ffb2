package route

import (
	"fmt"
	"strings"
	"time"

	"hyperscale"
)

// Lines are the choice for people: what was chosen or why nothing was, and of each
// datacenter the decision, the score and every input that there is.
func (c Choice) Lines() []string {
	lines := []string{c.headline()}
	for _, row := range c.Table {
		lines = append(lines, row.decision())
		if row.Class != Unhealthy && row.Asked {
			lines = append(lines, "    "+row.Score.String())
		}
		if row.Managers > 0 && row.Asked {
			lines = append(lines, "    "+row.inputs())
		}
	}
	return lines
}

func (c Choice) headline() string {
	if c.Refused != "" {
		return "refused: " + c.Refused
	}
	var parts []string
	for _, part := range c.Chosen {
		parts = append(parts, fmt.Sprintf("%s with %s", part.Datacenter, hyperscale.Plural(part.Cores, "core")))
	}
	return "runs in " + strings.Join(parts, ", ")
}

func (r Row) decision() string {
	use := ""
	if r.Use > 0 {
		use = hyperscale.Plural(r.Use, "core") + "  "
	}
	return fmt.Sprintf("%s  %v  %s%s", r.Name, r.Class, use, r.Why)
}

// String is the score with what it was made of.
func (s Score) String() string {
	text := fmt.Sprintf("score %s = latency %s, load %v, quality %v, health %v", short(s.Total), short(s.Latency), s.Load, s.Quality, s.Health)
	if s.Preferred != 1000 {
		text += fmt.Sprintf(", preferred %v", s.Preferred)
	}
	return text
}

// inputs are all that is known of a datacenter; what is as it should be is left out.
func (d Datacenter) inputs() string {
	parts := []string{"managers: " + fmt.Sprintf("%d of %d heard", d.Heard, d.Managers)}
	add := func(is bool, format string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(d.Ailing > 0, "%d unhealthy", d.Ailing)
	add(d.Open > 0, "%s open", hyperscale.Plural(d.Open, "breaker"))
	add(true, "workers: %d alive", d.Workers)
	add(d.Unhealthy > 0, "%d unhealthy", d.Unhealthy)
	add(true, "cores: %d of %d free", d.Free, d.Cores)
	add(d.Queued > 0, "%s of core-time queued", whole(d.Queued))
	add(d.Expected > 0, "more expected in %s", whole(d.Expected))
	add(d.Age >= time.Second, "stated %s ago", whole(d.Age))
	add(d.Samples > 0, "round trip up to %s (%s)", short(d.RTT), hyperscale.Plural(d.Samples, "sample"))
	add(d.Samples == 0, "round trip not measured")
	add(d.Believed > 0, "jobs saw %s (counts %d%%)", short(d.Observed), d.Believed)
	add(d.Failed, "failed lately")
	add(d.Cut, "cut off")
	add(d.Doubted, "fell with many others")
	add(len(d.Worse) > 0, "1.5 times worse than %s lately", strings.Join(d.Worse, " and "))
	return strings.Join(parts, ", ")
}

// are begins a sentence about so many.
func are(n int, noun string) string {
	if n == 1 {
		return hyperscale.Plural(n, noun) + " is"
	}
	return hyperscale.Plural(n, noun) + " are"
}

// short is a latency as it is read.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		d = d.Round(10 * time.Millisecond)
	case d >= 10*time.Millisecond:
		d = d.Round(100 * time.Microsecond)
	default:
		d = d.Round(time.Microsecond)
	}
	return d.String()
}

// whole is a longer time, in seconds.
func whole(d time.Duration) string { return hyperscale.FormatDuration(d.Round(time.Second)) }
