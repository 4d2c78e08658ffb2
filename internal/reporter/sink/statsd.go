package sink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hyperscale/internal/reporter"
	"hyperscale/internal/stats"
)

// statsd sends what each window adds, by UDP. That nobody listens is told by the
// system, if at all, at the packet after; what is lost on the way nobody tells.
type statsd struct {
	job    *reporter.Job
	conn   net.Conn
	common string // tags of all lines, with a comma behind each
	tagged bool   // labels are tags (DogStatsD); else they are part of the name
}

func checkStatsD(address string) error {
	_, err := parseHost("statsd", address, "8125")
	return err
}

func checkDogStatsD(address string) error {
	_, err := parseHost("dogstatsd", address, "8125")
	return err
}

func openStatsD(ctx context.Context, address string, job *reporter.Job, _ Secrets) (reporter.Reporter, error) {
	return dialStatsD(ctx, "statsd", address, job)
}

func openDogStatsD(ctx context.Context, address string, job *reporter.Job, _ Secrets) (reporter.Reporter, error) {
	s, err := dialStatsD(ctx, "dogstatsd", address, job)
	if err != nil {
		return nil, err
	}
	s.tagged = true
	for _, l := range common(job, func(name string) string { return name }) {
		s.common += tag(l) + ","
	}
	return s, nil
}

func dialStatsD(ctx context.Context, kind, address string, job *reporter.Job) (*statsd, error) {
	at, err := parseHost(kind, address, "8125")
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	conn, err := (&net.Dialer{Control: allowed}).DialContext(ctx, "udp", at)
	if err != nil {
		return nil, err
	}
	s := &statsd{job: job, conn: conn}
	if err := s.heard(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

// heard sends an empty packet, and fails if the system says that nobody takes it.
func (s *statsd) heard() error {
	for range 2 {
		if _, err := s.conn.Write(nil); err != nil {
			return s.unheard(err)
		}
		_ = s.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) // it only bounds the read
		if _, err := s.conn.Read(make([]byte, 1)); errors.Is(err, syscall.ECONNREFUSED) {
			return s.unheard(err)
		}
	}
	return nil
}

func (s *statsd) unheard(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nobody listens for UDP at %s: %w", s.conn.RemoteAddr(), err)
	}
	return err
}

// Windows implements [reporter.Reporter].
func (s *statsd) Windows(_ context.Context, batch []reporter.Window) error {
	p := packets{conn: s.conn}
	for _, w := range batch {
		for _, m := range measuresOf(w.Window) {
			s.lines(&m, p.add)
		}
	}
	if p.flush(); p.err != nil {
		return s.unheard(p.err)
	}
	return nil
}

// lines writes a measure.
func (s *statsd) lines(m *measure, add func(string)) {
	name, tags := s.name(m), s.tags(m.labels)
	switch {
	case m.spread != nil:
		kind, scale := "ms", float64(time.Millisecond)
		if s.tagged {
			kind, scale = "d", float64(time.Second)
		}
		for _, v := range sampled(m.spread) {
			line := name + ":" + strconv.FormatFloat(float64(v)/scale, 'f', -1, 64) + "|" + kind
			if n := m.spread.Count(); n > mostSamples {
				line += "|@" + strconv.FormatFloat(mostSamples/float64(n), 'g', 8, 64)
			}
			add(line + tags)
		}
	case m.count == 0: // it adds nothing
	case m.unit == inSeconds:
		add(name + ":" + strconv.FormatFloat(float64(m.count)/1e9, 'f', -1, 64) + "|c" + tags)
	default:
		add(name + ":" + strconv.FormatUint(m.count, 10) + "|c" + tags)
	}
}

// mostSamples is how many durations of a step and window are sent at most.
const mostSamples = 100

// sampled are durations that stand for all of a histogram: each of them if there are
// no more than are sent, by the middle of its bucket (within 0.4 %); else as many,
// spread evenly over the ranks, with the rate of sampling beside them, from which
// StatsD counts how many there were. It is StatsD that takes percentiles, of what it
// got in its own interval: so they are those of the durations to within 1 % of rank.
func sampled(h *stats.Histogram) []time.Duration {
	n := min(h.Count(), mostSamples)
	var list []time.Duration
	var seen, next uint64
	rank := func(i uint64) uint64 { return ((2*i+1)*h.Count() + 2*n - 1) / (2 * n) }
	for b := range h.Buckets() {
		seen += b.Count
		for next < n && rank(next) <= seen {
			list = append(list, min(max(middle(b), h.Min()), h.Max()))
			next++
		}
	}
	return list
}

// name is that of a measure: with the labels in it where there are no tags.
func (s *statsd) name(m *measure) string {
	name := "hyperscale." + m.name
	if m.unit == inBytes {
		name += ".bytes"
	}
	if s.tagged {
		if m.unit == inSeconds {
			name += ".seconds"
		}
		return name
	}
	if m.unit == inSeconds && m.spread == nil {
		name += ".seconds"
	}
	parts := []string{"hyperscale", statsdWord(s.job.Plan.Name)}
	rest := strings.TrimPrefix(name, "hyperscale.")
	for _, l := range m.labels {
		if l.name == "workflow" || l.name == "step" {
			parts = append(parts, statsdWord(l.value))
		} else {
			rest += "." + statsdWord(l.value)
		}
	}
	return strings.Join(append(parts, rest), ".")
}

// statsdWord makes a text one part of a name.
func statsdWord(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, text)
	if text == "" {
		return "_"
	}
	return text
}

// tags are labels behind a line.
func (s *statsd) tags(labels []label) string {
	if !s.tagged {
		return ""
	}
	text := s.common
	for _, l := range labels {
		text += tag(l) + ","
	}
	return "|#" + strings.TrimSuffix(text, ",")
}

// tag writes a label; what would end a tag, a line or a packet becomes _.
func tag(l label) string {
	plain := strings.NewReplacer(",", "_", "|", "_", "\n", "_", "\r", "_", "#", "_", "\x00", "_")
	return strings.ReplaceAll(plain.Replace(clean(l.name)), ":", "_") + ":" + plain.Replace(clean(l.value))
}

// Result implements [reporter.Reporter].
func (s *statsd) Result(_ context.Context, r *reporter.Result) error {
	p := packets{conn: s.conn}
	gauge := func(what string, value int) {
		name, tags := "hyperscale."+what, s.tags(nil)
		if !s.tagged {
			name = "hyperscale." + statsdWord(s.job.Plan.Name) + "." + what
		}
		p.add(fmt.Sprintf("%s:%d|g%s", name, value, tags))
	}
	gauge("run.passed", int(truth(r.Summary.Passed)))
	gauge("run.exit_code", r.Summary.ExitCode)
	if p.flush(); p.err != nil {
		return s.unheard(p.err)
	}
	return nil
}

// Close implements [reporter.Reporter].
func (s *statsd) Close() error { return s.conn.Close() }

// packets puts lines into packets.
type packets struct {
	conn net.Conn
	buf  []byte
	err  error // the first
}

// mostPacket is what fits into an Ethernet frame by IPv6, in bytes.
const mostPacket = 1432

func (p *packets) add(line string) {
	if len(p.buf)+1+len(line) > mostPacket {
		p.flush()
	}
	if len(p.buf) > 0 {
		p.buf = append(p.buf, '\n')
	}
	p.buf = append(p.buf, line...)
}

func (p *packets) flush() {
	if len(p.buf) > 0 && p.err == nil {
		_, p.err = p.conn.Write(p.buf)
	}
	p.buf = p.buf[:0]
}
