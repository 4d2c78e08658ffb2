package sink

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/reporter"
	"hyperscale/internal/stats"
)

// fakeStatsD stands for a StatsD server, which the system's packages do not have: it
// reads the lines of packets as StatsD and DogStatsD define them, and adds counters up
// by the rate of sampling.
type fakeStatsD struct {
	conn     net.PacketConn
	counters map[string]float64
	times    map[string]float64 // how many, by the rate of sampling
	longest  int                // packet, in bytes
	lines    []string
}

func hearStatsD(t *testing.T) *fakeStatsD {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &fakeStatsD{conn: conn, counters: map[string]float64{}, times: map[string]float64{}}
}

// hear reads what has come.
func (f *fakeStatsD) hear(t *testing.T) {
	t.Helper()
	buf := make([]byte, 1<<16)
	for {
		if err := f.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, _, err := f.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		f.longest = max(f.longest, n)
		for _, line := range strings.Split(string(buf[:n]), "\n") {
			if line != "" {
				f.line(t, line)
			}
		}
	}
}

// line reads NAME:VALUE|TYPE[|@RATE][|#TAG,TAG…].
func (f *fakeStatsD) line(t *testing.T, line string) {
	t.Helper()
	f.lines = append(f.lines, line)
	name, rest, ok := strings.Cut(line, ":")
	parts := strings.Split(rest, "|")
	value, err := strconv.ParseFloat(parts[0], 64)
	if !ok || err != nil || len(parts) < 2 || strings.ContainsAny(name, "|@# ") {
		t.Errorf("no line of StatsD: %q", line)
		return
	}
	rate := 1.0
	for _, part := range parts[2:] {
		switch part[0] {
		case '@':
			if rate, err = strconv.ParseFloat(part[1:], 64); err != nil {
				t.Error(err)
			}
		case '#':
			name += "#" + part[1:]
		default:
			t.Errorf("no part of a line of StatsD: %q in %q", part, line)
		}
	}
	switch parts[1] {
	case "c":
		f.counters[name] += value / rate
	case "ms", "d":
		f.times[name] += 1 / rate
	case "g":
		f.counters[name] = value
	default:
		t.Errorf("no type of StatsD: %q", line)
	}
}

func TestStatsD(t *testing.T) {
	f, job := hearStatsD(t), sampleJob()
	r := open(t, "statsd="+f.conn.LocalAddr().String(), job, noSecrets)
	for _, w := range sampleWindows(3) {
		if err := r.Windows(within(t), []reporter.Window{w}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Result(within(t), sampleResult(job)); err != nil {
		t.Fatal(err)
	}
	f.hear(t)
	at := "hyperscale.shop__plan_.shop____x____a_b_."
	step := at + "GET_____a__b___c_d_."
	for name, want := range map[string]float64{
		step + "requests.ok": 27, step + "requests.failed": 3, step + "responses.200": 27, step + "received.bytes": 15000,
		at + "slots.due": 30, at + "vu.time.seconds": 7.5, at + "buy.groups.ok": 3,
		"hyperscale.shop__plan_.run.exit_code": 99,
	} {
		if f.counters[name] != want {
			t.Errorf("%s = %v, want %v", name, f.counters[name], want)
		}
	}
	same(t, "response times", f.times[step+"response"], 30)
	if t.Failed() {
		t.Log(strings.Join(f.lines, "\n"))
	}
	if f.longest > mostPacket {
		t.Errorf("a packet of %d bytes", f.longest)
	}
}

func TestDogStatsD(t *testing.T) {
	f, job := hearStatsD(t), sampleJob()
	r := open(t, "dogstatsd="+f.conn.LocalAddr().String(), job, noSecrets)
	for _, w := range sampleWindows(3) {
		if err := r.Windows(within(t), []reporter.Window{w}); err != nil {
			t.Fatal(err)
		}
	}
	f.hear(t)
	run := "run:20261128-093000-abcdef,plan:shop \"plan\",team:a_b c=d,tag_step:of the plan,9 lives:é_,"
	at := "#" + run + "workflow:shop_ =\"x\"___a:b\\,step:GET /é\t{a=\"b\"}_c d\\"
	for name, want := range map[string]float64{"hyperscale.requests" + at + ",outcome:ok": 27, "hyperscale.responses" + at + ",status:500": 3} {
		if f.counters[name] != want {
			t.Errorf("%s = %v, want %v", name, f.counters[name], want)
		}
	}
	same(t, "response times", f.times["hyperscale.response.seconds"+at], 30)
	if t.Failed() {
		t.Log(strings.Join(f.lines, "\n"))
	}
}

func TestStatsDThatNobodyHears(t *testing.T) {
	f := hearStatsD(t)
	address := f.conn.LocalAddr().String()
	_ = f.conn.Close()
	if _, err := tryOpen(t, "statsd="+address, sampleJob(), noSecrets); err == nil || !strings.Contains(err.Error(), "nobody listens for UDP at "+address) {
		t.Errorf("%v", err)
	}
}

// Of many durations as many are sent as may be, each with the same rate; their order
// statistics are those of all.
func TestSampled(t *testing.T) {
	var h stats.Histogram
	for i := range 10_000 {
		h.Record(time.Duration(i+1) * time.Millisecond)
	}
	list := sampled(&h)
	if len(list) != mostSamples {
		t.Fatalf("%d samples", len(list))
	}
	for i, got := range list {
		want := h.Quantile(float64(i) + 0.5)
		if off := float64(got)/float64(want) - 1; off > 0.01 || off < -0.01 {
			t.Errorf("sample %d is %v, and the percentile %v", i, got, want)
		}
	}
	for n := range 5 {
		var few stats.Histogram
		for i := range n {
			few.Record(time.Duration(i+1) * time.Second)
		}
		if got := sampled(&few); len(got) != n {
			t.Errorf("%d samples of %d durations: %v", len(got), n, fmt.Sprint(got))
		}
	}
}
