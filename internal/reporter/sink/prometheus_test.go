package sink

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hyperscale/internal/reporter"
)

// realPrometheus runs Prometheus itself.
func realPrometheus(t *testing.T, flags ...string) (address string) {
	t.Helper()
	program := need(t, "prometheus", "prometheus")
	p := take(t, 1)
	cmd := exec.Command(program, append([]string{
		"--config.file=" + write(t, "prometheus.yml", "global: {}\n"), "--storage.tsdb.path=" + t.TempDir(), "--web.listen-address=" + p.At(0),
	}, flags...)...)
	p.GiveUp()
	serve(t, cmd, answers("http://"+p.At(0)+"/-/ready"))
	return "http://" + p.At(0)
}

// ask asks Prometheus and gives the one value that it answers.
func ask(t *testing.T, address, query string, at time.Time) float64 {
	t.Helper()
	got := askAll(t, address, query, at)
	if len(got) != 1 {
		t.Errorf("%s: %d results", query, len(got))
		return math.NaN()
	}
	v, err := strconv.ParseFloat(fmt.Sprint(got[0].Value[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

type promResult struct {
	Metric map[string]string
	Value  [2]any
}

func askAll(t *testing.T, address, query string, at time.Time) []promResult {
	t.Helper()
	q := url.Values{"query": {query}, "time": {fmt.Sprintf("%.3f", float64(at.UnixMilli())/1000)}}
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(address + "/api/v1/query?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct{ Result []promResult }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Status != "success" {
		t.Fatalf("%s: %v %s", query, err, answer.Error)
	}
	return answer.Data.Result
}

// What Prometheus has afterwards is what was counted, to the last one, by rate and
// increase, too; durations are native histograms whose count and sum are exact.
func TestPrometheus(t *testing.T) {
	address := realPrometheus(t, "--web.enable-remote-write-receiver", "--enable-feature=native-histograms")
	job := sampleJob()
	r := open(t, "prometheus="+address, job, noSecrets)
	reportAll(t, r, job)
	// A window that comes late adds to what stands, at a later time.
	late := sampleWindows(1)[0]
	late.Seq = 4
	if err := r.Windows(within(t), []reporter.Window{late}); err != nil {
		t.Error(err)
	}
	at := job.Begun.Add(4 * time.Second)

	for _, tt := range []struct {
		query string
		want  float64
	}{
		{`hyperscale_requests_total{outcome="ok"}`, 36},
		{`hyperscale_requests_total{outcome="failed"}`, 4},
		{`sum(hyperscale_requests_total)`, 40},
		{`hyperscale_requests_started_total`, 40},
		{`hyperscale_responses_total{status="500"}`, 4},
		{`hyperscale_received_bytes_total`, 20000},
		{`hyperscale_iterations_total{outcome="completed"}`, 36},
		{`hyperscale_slots_due_total`, 40},
		{`hyperscale_vu_time_seconds_total`, 10},
		{`hyperscale_groups_total{outcome="ok"}`, 4},
		{`hyperscale_checks_total{check="c: status",outcome="failed"}`, 4},
		{`histogram_count(hyperscale_response_seconds)`, 40},
		{`histogram_sum(hyperscale_response_seconds)`, 0.22},
		{`histogram_count(hyperscale_lateness_seconds)`, 4},
		{`hyperscale_run_passed`, 1},
		{`hyperscale_run_exit_code`, 99},
		{`hyperscale_run_verdict{phase="COMPLETED",verdict="VALID"}`, 1},
		{`hyperscale_threshold_passed{threshold="p95 < 300ms"}`, 1},
		{`hyperscale_requests_total{outcome="ok"} - min_over_time(hyperscale_requests_total{outcome="ok"}[10s])`, 36},
	} {
		if got := ask(t, address, tt.query, at); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s = %v, want %v", tt.query, got, tt.want)
		}
	}
	if p90 := ask(t, address, `histogram_quantile(0.9, hyperscale_response_seconds)`, at); p90 < 0.0088 || p90 > 0.0092 {
		t.Errorf("the 90th percentile of 1 … 10 ms is %v s", p90)
	}
	got := askAll(t, address, `hyperscale_request_errors_total`, at)
	if len(got) != 1 {
		t.Fatalf("%d kinds of errors", len(got))
	}
	want := map[string]string{
		"__name__": "hyperscale_request_errors_total", "job": "hyperscale", "instance": "m1", "run": string(job.ID), "plan": job.Plan.Name,
		"workflow": badWorkflow, "step": badStep, "error": badError,
		"team": "a,b c=d", "tag_step": "of the plan", "tag_9_lives": "é\n",
	}
	same(t, "labels", got[0].Metric, want)
}

// What arrived though no answer came, and is sent again, counts once; also when more
// has come by then.
func TestPrometheusCountsOnce(t *testing.T) {
	address := realPrometheus(t, "--web.enable-remote-write-receiver", "--enable-feature=native-histograms")
	var n atomic.Int64
	deaf := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, address+r.URL.Path, r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header = r.Header
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := c.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		if resp.StatusCode/100 == 2 && n.Add(1)%3 > 0 && n.Load() > 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	defer deaf.Close()
	job := sampleJob()
	r := open(t, "prometheus="+deaf.URL, job, noSecrets)
	list := sampleWindows(3)
	failed := 0
	for _, batch := range [][]reporter.Window{list[:1], list[:2], list[:2], list[:3], list[2:], list[2:], list[2:], list[2:]} {
		err := r.Windows(within(t), batch)
		if errors.Is(err, reporter.ErrRefused) {
			t.Fatal(err)
		}
		if err != nil {
			failed++
		}
	}
	at := job.Begun.Add(4 * time.Second)
	same(t, "requests", ask(t, address, `sum(hyperscale_requests_total)`, at), 30)
	same(t, "durations", ask(t, address, `histogram_count(hyperscale_response_seconds)`, at), 30)
	same(t, "added", ask(t, address, `sum(hyperscale_requests_total - min_over_time(hyperscale_requests_total[10s]))`, at), 30)
	if failed < 3 {
		t.Errorf("%d attempts failed", failed)
	}
}

func TestPrometheusThatTakesNoRemoteWrite(t *testing.T) {
	address := realPrometheus(t)
	_, err := tryOpen(t, "prometheus="+address, sampleJob(), noSecrets)
	if !errors.Is(err, reporter.ErrRefused) || !strings.Contains(err.Error(), "--web.enable-remote-write-receiver") {
		t.Errorf("%v", err)
	}
}
