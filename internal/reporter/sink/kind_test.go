package sink

import (
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale/internal/reporter"
	"hyperscale/internal/stats"
)

// What can't be meant is refused with what is wrong and what to do, before anything is
// done; and nothing secret is repeated.
func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"grafana=http://x":                      `no reporter is called "grafana"; there are webhook, prometheus`,
		"events=ftp://h":                        "events: its address begins with none of https://, http://",
		"webhook":                               "webhook: it needs an address: webhook=https://HOST:PORT/",
		"webhook=localhost:80":                  "webhook: its address begins with none of https://, http://",
		"webhook=http://":                       "its address has no host",
		"webhook=http://h/#x":                   "has a # part",
		"prometheus=http://u:sesame@h":          "set",
		"prometheus=http://u:ses ame@h":         "its address is no URL",
		"influxdb=http://h":                     "names neither a database (?db=NAME) nor a bucket",
		"influxdb=http://h?db=a&p=sesame":       "holds a secret, p=…",
		"influxdb=http://h?db=a&bucket=b":       "names neither",
		"otlp=h:4317":                           "its address begins with none of http://, https://, grpc://, grpcs://",
		"statsd=udp://h":                        "its address is no URL; expected statsd=HOST:8125",
		"statsd=":                               "it needs an address: statsd=HOST:8125",
		"dogstatsd=:8125":                       "has no host",
		"postgres=h/db":                         "expected postgres=postgres://USER@HOST:5432/DATABASE",
		"postgres=postgres://u:sesame@h/db":     "set HYPERSCALE_POSTGRES_PASSWORD",
		"postgres=postgres://h/?password=sesam": "holds a password",
		"postgres=postgres://h:x/db":            "can't be read",
	} {
		_, err := Parse([]string{text})
		if err == nil || !strings.Contains(err.Error(), want) && want != "set" || strings.Contains(err.Error(), "sesam") {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
	}
	if _, err := Parse([]string{"statsd=h", "statsd=h"}); err == nil || !strings.Contains(err.Error(), "given twice") {
		t.Errorf("the same twice: %v", err)
	}
	specs, err := Parse([]string{"statsd=h", "webhook=http://h", "statsd=i"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range specs {
		names = append(names, s.Name)
	}
	same(t, "names", names, []string{"statsd", "webhook", "statsd-2"})
	if Is("json=x") || !Is("otlp=x") || !Is("otlp") || Is("events=http://h") {
		t.Error("which texts are reporters")
	}
}

// An address that nobody answers at is known when the reporter is opened.
func TestUnreached(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	_ = l.Close()
	for _, text := range []string{
		"webhook=http://" + at, "prometheus=http://" + at, "otlp=http://" + at, "otlp=grpc://" + at, "influxdb=http://" + at + "?db=x", "postgres=postgres://u@" + at + "/db",
	} {
		_, err := tryOpen(t, text, sampleJob(), noSecrets)
		if err == nil || errors.Is(err, reporter.ErrRefused) || !strings.Contains(err.Error(), "refused") || !strings.Contains(err.Error(), at) && !strings.Contains(err.Error(), strings.Replace(at, ":", "", 1)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Where clouds keep the secrets of their machines nothing is sent.
func TestLinkLocalIsRefused(t *testing.T) {
	for _, text := range []string{
		"webhook=http://169.254.169.254/latest", "prometheus=http://169.254.169.254", "otlp=http://[fe80::1]", "influxdb=http://169.254.169.254?db=x",
		"statsd=169.254.169.254", "postgres=postgres://u@169.254.169.254/db",
	} {
		_, err := tryOpen(t, text, sampleJob(), noSecrets)
		if err == nil || !strings.Contains(err.Error(), "link-local") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"A": "x", "B_FILE": path, "C": "x", "C_FILE": path, "D_FILE": path + "2"}
	secret := Environment(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	for name, want := range map[string]string{
		"A": "x true <nil>", "B": "from a file true <nil>", "C": " false C and C_FILE are both set; keep one", "E": " false <nil>",
	} {
		v, ok, err := secret(name)
		same(t, name, fmt.Sprint(v, " ", ok, " ", err), want)
	}
	if _, _, err := secret("D"); err == nil || !strings.Contains(err.Error(), "D_FILE: open") {
		t.Errorf("no file: %v", err)
	}
}

// Every duration is in one bucket of those that others are told, which is that of its
// value or, near a bound, a neighbour.
func TestPowers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(int64(time.Microsecond), int64(time.Hour)).Draw(t, "duration"))
		var h stats.Histogram
		h.Record(d)
		list := powers(&h)
		if len(list) != 1 || list[0].count != 1 {
			t.Fatalf("%v is in %v", d, list)
		}
		upper := math.Exp2(float64(list[0].index) / (1 << scale))
		lower := math.Exp2(float64(list[0].index-1) / (1 << scale))
		if v := d.Seconds(); v > upper*1.004 || v < lower/1.004 {
			t.Fatalf("%v is in (%v, %v]", v, lower, upper)
		}
	})
}

// The buckets of native histograms add up to what was put in.
func TestNativeBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h stats.Histogram
		for range rapid.IntRange(0, 50).Draw(t, "durations") {
			h.Record(time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "duration")))
		}
		want := powers(&h)
		spans, deltas := nativeBuckets(want)
		var got []power
		index, count := 0, int64(0)
		for _, s := range spans {
			index += s.offset
			for range s.length {
				count += deltas[len(got)]
				got = append(got, power{index, uint64(count)})
				index++
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || len(got) != len(deltas) {
			t.Fatalf("%v became %v", want, got)
		}
	})
}
