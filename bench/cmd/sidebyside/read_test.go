//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReadingsOfOutput(t *testing.T) {
	tests := []struct {
		name   string
		read   func(*bench, task, string) (reading, error)
		output string
		want   reading
	}{
		{"limit", readLimit, `{"requests": 332988, "seconds": 3.000}`, reading{requests: 332988}},
		{"wrk", readWrk, "     90%  567.00us\n     99%    3.61ms\n  51899 requests in 1.10s, 5.05MB read\n",
			reading{requests: 51899, p99: 3610 * time.Microsecond}},
		{"ab", readAb, "Complete requests:      56403\n  98%      1\n  99%      2\n 100%      9 (longest request)\n",
			reading{requests: 56403, p99: 2 * time.Millisecond}},
		{"h2load", readH2load, "requests: 43001 total, 43009 started, 43001 done, 43001 succeeded, 0 failed\n",
			reading{requests: 43001}},
		{"hey", readHey, "  99%% in 0.0083 secs\nStatus code distribution:\n  [200]\t12317 responses\n  [500]\t3 responses\n",
			reading{requests: 12320, p99: 8300 * time.Microsecond}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.read(nil, task{file: filepath.Join(t.TempDir(), "none")}, test.output)
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v; want %+v", got, err, test.want)
			}
			if _, err := test.read(nil, task{}, "it was killed"); err == nil {
				t.Error("output without a count is no error")
			}
		})
	}
}

func TestReadingsOfFiles(t *testing.T) {
	tests := []struct {
		name   string
		read   func(*bench, task, string) (reading, error)
		output string // what stands beside the file
		text   string
		want   reading
		fault  string
	}{
		{"fortio", readFortio, "", `{"DurationHistogram": {"Count": 57147, "Percentiles": [{"Percentile": 50, "Value": 0.1}, {"Percentile": 99, "Value": 0.25}]}}`,
			reading{requests: 57147, p99: 250 * time.Millisecond}, ""},
		{"k6", readK6, "", `{"requests": 500, "failedchecks": 0, "p99": 12.5}`,
			reading{requests: 500, p99: 12500 * time.Microsecond}, ""},
		{"k6 with failed checks", readK6, "", `{"requests": 500, "failedchecks": 2, "p99": 12.5}`,
			reading{requests: 500, p99: 12500 * time.Microsecond}, "2 of its checks failed"},
		{"h2load", readH2load, "requests: 3 total, 3 started, 3 done, 3 succeeded", "17\t200\t250\n18\t200\t347\n19\t200\t376\n",
			reading{requests: 3, p99: 376 * time.Microsecond}, ""},
		{"hyperscale", readHyperscale, "", `{"schema": "hyperscale.summary/1", "verdict": {"state": "VALID", "causes": []},
			"totals": {"iterations": {"due": 10, "started": 9}, "requests": {"started": 9}, "checks": {"get: status": {"passed": 9, "failed": 0}},
			"response_ms": {"p99": 900.5}, "lateness_ms": {"p99": 0.25}}}`,
			reading{requests: 9, due: 10, started: 9, p99: 900500 * time.Microsecond, lateness: 250 * time.Microsecond, verdict: "VALID"}, ""},
		{"hyperscale without an answer", readHyperscale, "", `{"schema": "hyperscale.summary/1", "verdict": {"state": "VALID"},
			"totals": {"requests": {"started": 9}, "response_ms": {"p99": null}, "lateness_ms": {"p99": null}}}`,
			reading{requests: 9, verdict: "VALID"}, ""},
		{"hyperscale with failed checks", readHyperscale, "", `{"schema": "hyperscale.summary/1",
			"totals": {"requests": {"started": 9}, "checks": {"get: status": {"passed": 5, "failed": 4}}}}`,
			reading{requests: 9}, `"get: status" failed 4 times`},
		{"hyperscale of another schema", readHyperscale, "", `{"schema": "hyperscale.summary/2"}`, reading{}, "summary/2"},
		{"half a file", readHyperscale, "", `{"schema": "hyp`, reading{}, "reading its result"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "result")
			if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := test.read(nil, task{file: file}, test.output)
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if (err != nil) != (test.fault != "") || err != nil && !strings.Contains(err.Error(), test.fault) {
				t.Errorf("got error %v, want %q", err, test.fault)
			}
		})
	}
}

func TestNearestRank(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	tests := []struct {
		times []time.Duration
		want  time.Duration
	}{{nil, 0}, {[]time.Duration{7}, 7}, {[]time.Duration{9, 7}, 9}, {hundred, 99}}
	for _, test := range tests {
		if got := nearestRank(test.times, 0.99); got != test.want {
			t.Errorf("of %d: got %d, want %d", len(test.times), got, test.want)
		}
	}
}
