//go:build unix

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/report"
)

// Load is a steady load of arrivals on a target, which tells apart what came of
// them by the name.
type Load struct {
	Name    string
	Rate    int // a second
	For     time.Duration
	Cores   int    // 0: 3
	Key     string // "": made up
	Manager int    // which one is asked first, and so owns the job
	Single  bool   // no two may hold a slot at once
	Count   int    // of datacenters, at gates; 0: not said
}

// Job is a job that was submitted, with a user who watches it to its end.
type Job struct {
	ID   hyperscale.JobID
	Load Load

	user    *Process // hyperscale watch
	summary string   // file that it writes
}

// Submit hands a load in with the command, and begins to watch it as a user does.
func (d *Datacenter) Submit(ctx context.Context, target *Target, l Load) (*Job, error) {
	id, err := d.Hand(ctx, target, l)
	if err != nil {
		return nil, err
	}
	j := &Job{ID: id, Load: l, summary: filepath.Join(d.setup.Dir, l.Name+".json")}
	if err := os.RemoveAll(j.summary); err != nil {
		return nil, err
	}
	args := []string{"watch", string(id), "-o", "json=" + j.summary}
	for _, at := range d.Addresses(l.Manager + 1) {
		args = append(args, "--server", at)
	}
	j.user, err = d.command(l.Name+".watch", args...)
	return j, err
}

// Hand hands a load in with the command and gives the job.
func (d *Datacenter) Hand(ctx context.Context, target *Target, l Load) (hyperscale.JobID, error) {
	return d.HandAs(ctx, target, l.Name, l)
}

// HandAs is Hand with another name in the plan, so that several loads are the
// same to the cluster.
func (d *Datacenter) HandAs(ctx context.Context, target *Target, name string, l Load) (hyperscale.JobID, error) {
	plan := filepath.Join(d.setup.Dir, l.Name+".yaml")
	text := fmt.Sprintf("name: %s\ntarget: %s\nworkflows:\n  steady:\n    load: {rate: %d/s, for: %v}\n    graceful: 5s\n    steps:\n      - get: /%s/{{ iteration }}\n",
		name, target.URL(), l.Rate, l.For, name)
	if err := os.WriteFile(plan, []byte(text), 0o600); err != nil {
		return "", err
	}
	cores := l.Cores
	if cores == 0 {
		cores = 3
	}
	args := []string{"submit", plan, "--cores", fmt.Sprint(cores), "--server", d.Managers[l.Manager].Address}
	if l.Count > 0 {
		args = append(args, "--count", fmt.Sprint(l.Count))
	}
	if l.Single {
		args = append(args, "--one-holder")
	}
	if l.Key != "" {
		args = append(args, "--key", l.Key)
	}
	p, err := d.command(fmt.Sprintf("%s.%d.submit", l.Name, l.Manager), args...)
	if err != nil {
		return "", err
	}
	defer p.Kill()
	if code, err := p.Wait(ctx); err != nil || code != 0 {
		return "", fmt.Errorf("submitting %s: exit code %d, %w:\n%s", l.Name, code, err, p.Tail(20))
	}
	return hyperscale.JobID(strings.TrimSpace(p.Tail(1))), nil
}

// Outcome is what the user was told at the end: of the summary, what is looked at.
type Outcome struct {
	Code    int            `json:"-"` // of the command
	Phase   string         `json:"phase"`
	Verdict report.Verdict `json:"verdict"`
	Totals  struct {
		Iterations report.Iterations `json:"iterations"`
		Requests   report.Requests   `json:"requests"`
	} `json:"totals"`
	Workers []struct {
		Node  string        `json:"node"`
		Holds []report.Hold `json:"holds"`
	} `json:"workers"`
	Losses     []report.Loss `json:"losses"`
	Unreported uint64        `json:"requests_not_counted_at_most"`
}

// Wait waits until the user heard the end.
func (j *Job) Wait(ctx context.Context) (o Outcome, err error) {
	defer j.user.Kill()
	if o.Code, err = j.user.Wait(ctx); err != nil {
		return o, fmt.Errorf("%w; the user saw:\n%s", err, j.user.Tail(20))
	}
	b, err := os.ReadFile(j.summary)
	if err != nil {
		return o, fmt.Errorf("the user has no summary: %w; it saw:\n%s", err, j.user.Tail(20))
	}
	if err := json.Unmarshal(b, &o); err != nil {
		return o, fmt.Errorf("reading the summary: %w", err)
	}
	return o, nil
}

// Screen is the last of what the user saw.
func (j *Job) Screen(lines int) string { return j.user.Tail(lines) }

// Command runs a command to its end and gives what it wrote and its exit code.
func (d *Datacenter) Command(ctx context.Context, args ...string) (output string, code int, err error) {
	for _, at := range d.Addresses(0) {
		args = append(args, "--server", at)
	}
	p, err := d.command(args[0]+".command", args...)
	if err != nil {
		return "", 0, err
	}
	defer p.Kill()
	code, err = p.Wait(ctx)
	return p.Tail(100), code, err
}
