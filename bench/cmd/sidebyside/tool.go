//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// A tool is a load generator: how it is told what to do, and how its answer is
// read. argv and read know only the task, so the same table serves every
// scenario.
type tool struct {
	name    string // in tables
	program string
	prepare func(t task) error // nil: nothing to do
	argv    func(t task) []string
	read    func(b *bench, t task, output string) (reading, error)
	maker   int // process that makes the load for it, on the client's core; 0: it does so itself
}

// A reading is what a tool says of its own run.
type reading struct {
	requests int64         // that it made; answered ones where it tells them apart
	p99      time.Duration // of its response times; 0: it does not say
	due      int64         // slots that its schedule held; 0: it does not say
	started  int64         // of due
	lateness time.Duration // p99 of start − due; 0: it does not say
	verdict  string        // on itself; "": it does not say
}

// The limit is the bare C client of bench/limit.
func limit() tool {
	return tool{
		name: "the limit", program: "limit", read: readLimit,
		argv: func(t task) []string {
			host, port, _ := strings.Cut(strings.Trim(strings.TrimPrefix(t.url, "http://"), "/"), ":")
			return []string{"limit", "--host", host, "--port", port,
				"--connections", strconv.Itoa(t.connections), "--seconds", whole(t.duration)}
		},
	}
}

// hyperscalePlan is our engine with bench/plans/NAME.yaml.
func hyperscalePlan(name, plan string) tool {
	return tool{
		name: name, program: "hyperscale", read: readHyperscale,
		argv: func(t task) []string {
			return flags(t, []string{"hyperscale", "run", "bench/plans/" + plan + ".yaml",
				"-e", "TARGET=" + strings.TrimSuffix(t.url, "/"),
				"-c", strconv.Itoa(t.connections), "-d", t.duration.String()})
		},
	}
}

// hyperscaleRate is our engine in quick mode, open.
func hyperscaleRate() tool {
	return tool{
		name: "hyperscale", program: "hyperscale", read: readHyperscale,
		argv: func(t task) []string {
			return flags(t, []string{"hyperscale", "run", t.url,
				"--rate", strconv.Itoa(t.rate), "-d", t.duration.String()})
		},
	}
}

// flags adds those that every run of ours has.
func flags(t task, argv []string) []string {
	if t.insecure {
		argv = append(argv, "-k")
	}
	return append(argv, "--lanes", "1", "-q", "-o", "json="+t.file)
}

func wrk() tool {
	return tool{
		name: "wrk", program: "wrk", read: readWrk,
		argv: func(t task) []string {
			return []string{"wrk", "-t", "1", "-c", strconv.Itoa(t.connections),
				"-d", whole(t.duration), "--latency", t.url}
		},
	}
}

func ab() tool {
	return tool{
		name: "ab", program: "ab", read: readAb,
		argv: func(t task) []string {
			// -t means -n 50000 unless a larger -n follows it. ab sets aside
			// memory for n answers, so n is what no run here can reach.
			most := int(t.duration.Seconds() * 400_000)
			return []string{"ab", "-q", "-k", "-t", whole(t.duration), "-n", strconv.Itoa(most),
				"-c", strconv.Itoa(t.connections), t.url}
		},
	}
}

func h2load() tool {
	return tool{
		name: "h2load", program: "h2load", read: readH2load,
		argv: func(t task) []string {
			argv := []string{"h2load", "--h1", "-t", "1", "-c", strconv.Itoa(t.connections), "-D", whole(t.duration)}
			if t.rate > 0 { // its response times are only in its log
				argv = append(argv, "--rps", perConnection(t), "--log-file", t.file)
			}
			return append(argv, t.url)
		},
	}
}

func hey() tool {
	return tool{
		name: "hey", program: "hey", read: readHey,
		argv: func(t task) []string {
			argv := []string{"hey", "-z", t.duration.String(), "-c", strconv.Itoa(t.connections)}
			if t.rate > 0 {
				argv = append(argv, "-q", perConnection(t))
			}
			return append(argv, t.url)
		},
	}
}

func vegeta() tool {
	return tool{
		name: "vegeta", program: "vegeta", read: readVegeta,
		prepare: func(t task) error {
			return os.WriteFile(t.file+".targets", []byte("GET "+t.url+"\n"), 0o600)
		},
		argv: func(t task) []string {
			workers := max(t.cap, t.connections)
			argv := []string{"vegeta", "attack", "-targets", t.file + ".targets", "-output", t.file,
				"-duration", t.duration.String(), "-rate", strconv.Itoa(t.rate),
				"-max-workers", strconv.Itoa(workers), "-connections", strconv.Itoa(workers)}
			if t.insecure {
				argv = append(argv, "-insecure")
			}
			return argv
		},
	}
}

func fortio() tool {
	return tool{
		name: "fortio", program: "fortio", read: readFortio,
		argv: func(t task) []string {
			argv := []string{"fortio", "load", "-loglevel", "error", "-c", strconv.Itoa(t.connections),
				"-qps", strconv.Itoa(t.rate), "-t", t.duration.String(), "-p", "50,99", "-json", t.file}
			if t.insecure {
				argv = append(argv, "-k")
			}
			return append(argv, t.url)
		},
	}
}

// k6 runs bench/k6/SCRIPT.js.
func k6(name, script string) tool {
	return tool{
		name: name, program: "k6", read: readK6,
		argv: func(t task) []string {
			argv := []string{"k6", "run", "--quiet", "--no-usage-report", "--address", "",
				"-e", "TARGET=" + strings.TrimSuffix(t.url, "/"), "-e", "SUMMARY=" + t.file,
				"-e", "VUS=" + strconv.Itoa(max(t.cap, t.connections)), "-e", "DURATION=" + t.duration.String()}
			if t.rate > 0 {
				argv = append(argv, "-e", "RATE="+strconv.Itoa(t.rate))
			}
			if t.ramp > 0 {
				argv = append(argv, "-e", "RAMP="+t.ramp.String())
			}
			if t.insecure {
				argv = append(argv, "--insecure-skip-tls-verify")
			}
			return append(argv, "bench/k6/"+script+".js")
		},
	}
}

// capped is the same tool with no more virtual users than connections.
func capped(t tool) tool {
	argv := t.argv
	t.name += ", capped"
	t.argv = func(task task) []string {
		task.cap = 0
		return argv(task)
	}
	return t
}

// whole is a duration for tools that take seconds.
func whole(d time.Duration) string { return strconv.Itoa(int(d.Round(time.Second).Seconds())) }

// perConnection is the task's rate for tools that set it per connection.
func perConnection(t task) string {
	return fmt.Sprintf("%.4g", float64(t.rate)/float64(t.connections))
}
