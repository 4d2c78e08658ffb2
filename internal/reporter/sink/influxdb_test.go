package sink

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"hyperscale/internal/reporter"
)

// realInfluxDB runs InfluxDB itself, of version 1.
func realInfluxDB(t *testing.T) (address string) {
	t.Helper()
	program := need(t, "influxd", "influxdb")
	dir, p := t.TempDir(), take(t, 2)
	config := fmt.Sprintf(`
reporting-disabled = true
bind-address = %[3]q
[meta]
dir = "%[1]s/meta"
[data]
dir = "%[1]s/data"
wal-dir = "%[1]s/wal"
[http]
bind-address = %[2]q
[monitor]
store-enabled = false
`, dir, p.At(0), p.At(1))
	cmd := exec.Command(program, "run", "-config", write(t, "influxdb.conf", config))
	p.GiveUp()
	serve(t, cmd, answers("http://"+p.At(0)+"/ping"))
	return "http://" + p.At(0)
}

// influxQL asks InfluxDB and gives the rows of all series.
func influxQL(t *testing.T, address, query string) (rows [][]any) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.PostForm(address+"/query", url.Values{"db": {"load"}, "q": {query}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Results []struct {
			Error  string
			Series []struct{ Values [][]any }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	for _, r := range answer.Results {
		if r.Error != "" {
			t.Fatalf("%s: %s", query, r.Error)
		}
		for _, s := range r.Series {
			rows = append(rows, s.Values...)
		}
	}
	return rows
}

// What InfluxDB has afterwards is each window once, under names as they are.
func TestInfluxDB(t *testing.T) {
	address := realInfluxDB(t)
	_, err := tryOpen(t, "influxdb="+address+"?db=load", sampleJob(), noSecrets)
	if !errors.Is(err, reporter.ErrRefused) || !strings.Contains(err.Error(), "CREATE DATABASE") {
		t.Errorf("a database that is not there: %v", err)
	}
	influxQL(t, address, "CREATE DATABASE load")
	job := sampleJob()
	r := open(t, "influxdb="+address+"?db=load", job, noSecrets)
	reportAll(t, r, job)

	for _, tt := range []struct{ query, want string }{
		{`SELECT count(ok), sum(ok), sum(failed), sum(bytes_in), sum(response_sum_ms), max(response_max_ms) FROM hyperscale_step`, "[3 27 3 15000 165 10]"},
		{`SELECT sum(due), sum(vu_s), count(due) FROM hyperscale_workflow`, "[30 7.5 3]"},
		{`SELECT sum("count") FROM hyperscale_responses WHERE status = '500'`, "[3]"},
		{`SELECT sum(ok) FROM hyperscale_group WHERE step = 'buy'`, "[3]"},
		{`SELECT last(exit_code), last(passed), last(phase), last(elapsed_s), last(windows_missing) FROM hyperscale_run`, "[99 true COMPLETED 3 2]"},
		{`SHOW FIELD KEYS FROM hyperscale_responses`, ""},
	} {
		rows := influxQL(t, address, tt.query)
		if len(rows) == 0 {
			t.Errorf("%s: nothing", tt.query)
			continue
		}
		if tt.want == "" {
			same(t, "type of a count", rows, "[[count integer]]")
			continue
		}
		same(t, tt.query, rows[0][1:], tt.want)
	}
	// A tag can't hold what ends a line; all else is as it was.
	plain := strings.NewReplacer("\n", "_", "\t", "_")
	for tag, want := range map[string]string{
		"workflow": plain.Replace(badWorkflow) + "_", "step": plain.Replace(badStep) + "_", "error": plain.Replace(badError) + "_",
		"team": "a,b c=d", "tag_step": "of the plan", "9 lives": "é_", "run": string(job.ID), "plan": job.Plan.Name,
	} {
		rows := influxQL(t, address, fmt.Sprintf(`SHOW TAG VALUES FROM hyperscale_errors WITH KEY = "%s"`, tag))
		same(t, "tag "+tag, rows, [][]any{{tag, want}})
	}
}
