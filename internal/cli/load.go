package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"hyperscale"
	"hyperscale/internal/demo"
	"hyperscale/internal/job"
	"hyperscale/internal/plan"
	"hyperscale/internal/session"
)

// load reads the plan that an argument names: a URL of a quick run, - for
// stdin, or a file.
func (a *app) load(arg string) (*plan.Loaded, error) {
	loaded, err := a.read(arg)
	if err != nil {
		return nil, err
	}
	if loaded.Plan.Deadline == 0 {
		loaded.Plan.Deadline = job.DefaultDeadline(loaded.Plan)
	}
	return loaded, nil
}

func (a *app) read(arg string) (*plan.Loaded, error) {
	o := plan.Options{Env: a.env, GivenEnv: a.givenEnv(), Settings: a.set.forPlan()}
	switch {
	case isURL(arg):
		return plan.ReadURL(arg, o)
	case arg == "-":
		return plan.Read("stdin", a.Stdin, o)
	}
	if info, err := os.Stat(arg); err != nil {
		return nil, missingPlan(arg, err)
	} else if info.IsDir() {
		return nil, fmt.Errorf("%s is a directory; a plan is a file", arg)
	}
	return plan.ReadFile(arg, o)
}

// rows are the data sets of a plan as sessions take them.
func rows(loaded *plan.Loaded) map[string]session.Rows {
	all := make(map[string]session.Rows)
	for name, set := range loaded.Data {
		all[name] = set
	}
	return all
}

// givenEnv is what -e sets of that which templates call env.NAME.
func (a *app) givenEnv() map[string]string {
	given := make(map[string]string)
	for _, pair := range a.set.of("env") {
		name, value, _ := strings.Cut(pair, "=")
		given[name] = value
	}
	return given
}

// withTarget does f; a plan whose target is the demo has it in this process
// for that long.
func (a *app) withTarget(ctx context.Context, p *hyperscale.Plan, f func(context.Context) error) error {
	if p.Target != plan.DemoTarget {
		return f(ctx)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serving the demo target: %w", err)
	}
	p.Target = "http://" + ln.Addr().String()
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- demo.Serve(serving, ln) }()
	err = f(ctx)
	stop()
	return errors.Join(err, <-served)
}

// parseShare reads I/N, shares counted from 0; "" is the whole.
func parseShare(text string) (hyperscale.Share, error) {
	if text == "" {
		return hyperscale.Whole, nil
	}
	i, n, _ := strings.Cut(text, "/")
	lo, err := strconv.ParseInt(i, 10, 32)
	of, err2 := strconv.ParseInt(n, 10, 32)
	s := hyperscale.Share{Lo: lo, Hi: lo + 1, Of: of}
	if err != nil || err2 != nil || !s.Valid() {
		return s, fmt.Errorf("--share %s; expected I/N with I from 0 to N-1", text)
	}
	return s, nil
}

// onlyOnce leaves one iteration of each workflow, and nothing to judge.
func onlyOnce(p *hyperscale.Plan) {
	for i := range p.Workflows {
		w := &p.Workflows[i]
		w.Load, w.Warmup, w.KeepJar = hyperscale.Load{}, 0, false
	}
	p.Thresholds = nil
}
