package cli

import (
	"context"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"hyperscale/internal/plan"
)

func TestValues(t *testing.T) {
	for _, c := range []struct {
		check    func(string) (string, error)
		in, want string // want "": refused
	}{
		{duration, "30", "30s"}, {duration, "0.5", "0.5s"}, {duration, "5m", "5m"}, {duration, "1d", "1d"},
		{duration, "0", ""}, {duration, "-3", ""}, {duration, "NaN", ""}, {duration, `{"a":1}`, ""}, {duration, "", ""},
		{rate, "500", "500/s"}, {rate, "30/m", "30/m"}, {rate, "0.5", "0.5/s"}, {rate, "0", ""}, {rate, "fast", ""}, {rate, "-1", ""},
		{stage, "30s:100", "30s:100"}, {stage, "30:100/s", "30s:100/s"}, {stage, "10s:0", "10s:0"}, {stage, "10s:0/s", "10s:0/s"},
		{stage, "30s", ""}, {stage, "30s:", ""}, {stage, ":5", ""}, {stage, "30s:x", ""}, {stage, "30s:-1", ""},
		{count, "10", "10"}, {count, "-1", ""}, {count, "1e3", ""}, {count, "", ""},
		{factor, "0.1", "0.1"}, {factor, "0", ""}, {factor, "Inf", ""}, {factor, "NaN", ""},
		{pair, "a=b=c", "a=b=c"}, {pair, "a=", "a="}, {pair, "=b", ""}, {pair, "a", ""},
		{header, "A: b", "A: b"}, {header, "A:b", "A:b"}, {header, ": b", ""}, {header, "A", ""},
		{yes, "1", "true"}, {yes, "no", ""},
	} {
		got, err := c.check(c.in)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%q: %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func TestPercents(t *testing.T) {
	got, err := percents("99.9, 50,p95,50")
	if want := []float64{50, 95, 99.9}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	for _, bad := range []string{"0", "101", "x", "50,", "NaN"} {
		if _, err := percents(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestShares(t *testing.T) {
	for text, ok := range map[string]bool{"": true, "0/1": true, "6/7": true, "7/7": false, "-1/7": false, "1": false, "1/0": false, "a/b": false} {
		if s, err := parseShare(text); (err == nil) != ok || ok && !s.Valid() {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
	}
}

// quickRun parses args as `run` does and gives the settings for the plan.
func quickRun(t *testing.T, env []string, args ...string) ([]plan.Setting, error) {
	t.Helper()
	a := &app{World: World{Stdout: io.Discard, Stderr: io.Discard, Env: env}, set: newSettings()}
	root := a.root()
	for _, c := range root.Commands() {
		if c.Name() == "run" {
			c.RunE = func(*cobra.Command, []string) error { return nil }
		}
	}
	root.SetArgs(append([]string{"run", "http://localhost/"}, args...))
	return a.set.valuesAfter(root.ExecuteContext(context.Background()))
}

// valuesAfter gives the settings, unless parsing them failed.
func (s *settings) valuesAfter(err error) ([]plan.Setting, error) { return s.forPlan(), err }

func TestTheDialectsOfOtherTools(t *testing.T) {
	for line, want := range map[string]string{
		"-c 5": "vus=5", "-u 5": "vus=5", "--vus 5": "vus=5", "-c5": "vus=5",
		"-n 7": "iterations=7", "-i 7": "iterations=7", "--iterations=7": "iterations=7",
		"-d 3": "duration=3s", "-z 3s": "duration=3s", "--duration 1m": "duration=1m",
		"--rate 9": "rate=9/s", "-R 9": "rate=9/s", "--qps 9/m": "rate=9/m",
		"-m PUT": "method=PUT", "-H a:b -H c:d": "header=a:b header=c:d", "-b x": "body=x",
		"--http2": "http2=true", "-k": "insecure=true", "--timeout 2": "timeout=2s",
		"--stage 5:10 --stage 5s:0": "stage=5s:10 stage=5s:0", "--threshold p95<1s": "threshold=p95<1s",
		"-c 1 -u 2": "vus=2", "--scale 2 --seed 4": "scale=2 seed=4", "-e A=1 --var b=2": "var=b=2",
	} {
		settings, err := quickRun(t, nil, strings.Fields(line)...)
		var got []string
		for _, s := range settings {
			got = append(got, s.Name+"="+s.Value)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v; want %s", line, got, err, want)
		}
	}
}

func TestWhatIsMeantByAWrongFlag(t *testing.T) {
	for line, want := range map[string]string{
		"-q 100":         "a rate, here of the whole test (hey's -q is of each worker), is --rate 100",
		"-q100":          "is --rate 100",
		"-q=100":         "is --rate 100",
		"--lanes x":      "--lanes x: it does not fit; expected",
		"-k=maybe":       "-k/--insecure maybe: it does not fit; expected",
		"--version":      "it is a command: hyperscale version",
		"-d {}":          "-d/--duration {}: it does not fit; expected a duration above zero such as 30s, 5m or 1h30m; a request body is -b",
		"-z {}":          "-z {}: it does not fit; expected a duration",
		"-t 4":           "--lanes",
		"-t4":            "--lanes",
		"-X PUT":         "the method is -m",
		"--durations":    "did you mean --duration",
		"--xyzzy":        "there is no flag --xyzzy; see --help",
		"-Y":             "there is no flag -Y",
		"-c":             "-c/--vus wants a value: N",
		"-c many":        "-c/--vus many: it does not fit; expected a whole number above zero",
		"-n 0":           "-n/--iterations 0: it does not fit; expected a whole number above zero",
		"-n -5":          "-n/--iterations -5: it does not fit; expected a whole number above zero",
		"--timeout 0":    "--timeout 0: it does not fit; expected a duration above zero such as",
		"--rate fast":    "--rate fast: it does not fit; expected a rate above zero",
		"http://b/":      `one argument is wanted, a plan or a URL; got "http://localhost/" and "http://b/"`,
		"-H x":           `-H/--header x: it does not fit; expected "NAME: VALUE"`,
		"--log-format=x": "--log-format x; expected text or json",
	} {
		_, err := quickRun(t, nil, strings.Fields(line)...)
		if err == nil || !strings.Contains(err.Error(), want) || exitCode(outcome{err: err}) != codeRefused {
			t.Errorf("%s: %v; want %q", line, err, want)
		}
	}
}

func TestEnvironmentStandsBetweenPlanAndFlags(t *testing.T) {
	env := []string{"HYPERSCALE_RATE=30", "HYPERSCALE_HEADER=a: b", "HYPERSCALE_HTTP2=true", "HYPERSCALE_UNKNOWN=1"}
	got, err := quickRun(t, env, "--rate", "40", "-H", "c: d")
	want := []plan.Setting{
		{Name: "rate", Value: "40/s", From: plan.FromFlag}, {Name: "header", Value: "c: d", From: plan.FromFlag},
		{Name: "rate", Value: "30/s", From: plan.FromEnv}, {Name: "http2", Value: "true", From: plan.FromEnv},
		{Name: "header", Value: "a: b", From: plan.FromEnv},
	}
	if err != nil || !sameSettings(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if _, err := quickRun(t, []string{"HYPERSCALE_DURATION=soon"}); err == nil || !strings.Contains(err.Error(), `HYPERSCALE_DURATION: "soon": expected a duration`) {
		t.Errorf("error: %v", err)
	}
}

// sameSettings compares without order between flags.
func sameSettings(a, b []plan.Setting) bool {
	count := make(map[plan.Setting]int)
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestStrongestOriginWins(t *testing.T) {
	s := &settings{values: []plan.Setting{
		{Name: "env", Value: "A=flag", From: plan.FromFlag}, {Name: "env", Value: "B=flag", From: plan.FromFlag},
		{Name: "env", Value: "A=env", From: plan.FromEnv}, {Name: "vus", Value: "3", From: plan.FromFlag},
	}}
	if got := s.of("env"); !reflect.DeepEqual(got, []string{"A=flag", "B=flag"}) {
		t.Errorf("%v", got)
	}
}
