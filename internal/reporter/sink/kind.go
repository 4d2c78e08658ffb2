package sink

import (
	"context"
	"fmt"
	"strings"

	"hyperscale/internal/reporter"
)

// Kind is a kind of reporter.
type Kind struct {
	Name    string // as in -o name=address
	Address string // what it looks like, for help
	About   string // one line for help
	Events  bool   // it is told of the events of a cluster's job, in place of windows
	open    func(ctx context.Context, address string, job *reporter.Job, secret Secrets) (reporter.Reporter, error)
	check   func(address string) error
}

// Kinds are all kinds, in the order of the help.
func Kinds() []Kind {
	return []Kind{
		{ofWindows, "URL", "posts windows and the result as JSON, signed", false, openWebhook, checkWebhook},
		{"prometheus", "URL", "remote write, durations as native histograms", false, openPrometheus, checkPrometheus},
		{"otlp", "URL", "OpenTelemetry metrics by gRPC or HTTP, durations as exponential histograms", false, openOTLP, checkOTLP},
		{"statsd", "HOST[:PORT]", "counters and timers by UDP", false, openStatsD, checkStatsD},
		{"dogstatsd", "HOST[:PORT]", "counters and distributions with tags by UDP", false, openDogStatsD, checkDogStatsD},
		{"influxdb", "URL?db=NAME", "a point for each step and window", false, openInfluxDB, checkInfluxDB},
		{"postgres", "URL", "a row for each step and window, and one for the job", false, openPostgres, checkPostgres},
		{ofEvents, "URL", "posts each event and the end as JSON, signed", true, openEvents, checkEvents},
	}
}

// Spec is one reporter that was asked for.
type Spec struct {
	Kind    Kind
	Name    string // of the reporter, among those of the job: its kind, with a number from the second on
	Address string
	text    string
}

// Is reports whether a text names one of the kinds that are told of windows, as "name"
// or "name=address".
func Is(text string) bool {
	k, ok := kindOf(text)
	return ok && !k.Events
}

func kindOf(text string) (Kind, bool) {
	name, _, _ := strings.Cut(text, "=")
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// Parse reads texts of the form "name=address". Nobody is called.
func Parse(texts []string) ([]Spec, error) {
	var specs []Spec
	count, given := map[string]int{}, map[string]bool{}
	for _, text := range texts {
		name, address, _ := strings.Cut(text, "=")
		kind, ok := kindOf(text)
		if !ok {
			return nil, fmt.Errorf("no reporter is called %q; there are %s", name, names())
		}
		if err := kind.check(address); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if given[text] {
			return nil, fmt.Errorf("%s is given twice, and would count everything twice", text)
		}
		given[text] = true
		if count[name]++; count[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, count[name])
		}
		specs = append(specs, Spec{kind, name, address, text})
	}
	return specs, nil
}

func names() string {
	var list []string
	for _, k := range Kinds() {
		list = append(list, k.Name)
	}
	return strings.Join(list, ", ")
}

// Text is what the reporter was given as.
func (s Spec) Text() string { return s.text }

// Open makes the reporter, and fails if its place is not there or does not take what
// it is to be given. The job is kept, and its Begun read from the first window on.
func (s Spec) Open(ctx context.Context, job *reporter.Job, secret Secrets) (reporter.Reporter, error) {
	return s.Kind.open(ctx, s.Address, job, secret)
}
