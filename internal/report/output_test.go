package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/report"
	"hyperscale/internal/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	s := report.Summarise(shopResult(), report.Options{ExitCode: 99, Percents: []float64{97.5}})
	if err := report.WriteJSON(&b, s); err != nil {
		t.Fatal(err)
	}
	golden(t, "summary.json", b.String())
	if !json.Valid(b.Bytes()) {
		t.Error("the summary is no JSON")
	}
}

// Every key of the schema is there in an empty run too, with null for what is
// not known.
func TestJSONOfNothing(t *testing.T) {
	var b bytes.Buffer
	empty := &stats.Result{Plan: &hyperscale.Plan{Name: "empty"}, Tally: stats.NewTally(), Phase: hyperscale.Cancelled}
	if err := report.WriteJSON(&b, report.Summarise(empty, report.Options{ExitCode: 105})); err != nil {
		t.Fatal(err)
	}
	golden(t, "empty.json", b.String())
	b.Reset()
	if err := report.Text(&b, report.Summarise(empty, report.Options{ExitCode: 105}), report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); strings.Contains(text, "VALID") || !strings.Contains(text, "no verdict  nothing was asked") {
		t.Errorf("of a run without anything due it says\n%s", text)
	}
}

// windows are two seconds of the sample run.
func windows() []*stats.Window {
	s := stats.NewStream("browse", hyperscale.Whole)
	iv := stats.Interval{From: 1e9, To: 2e9, Stretch: stats.InWarmup}
	first := s.Cut(iv, []*stats.Record{browseRecord()}, stats.Readings{})
	iv = stats.Interval{From: 2e9, To: 2.5e9}
	return []*stats.Window{first, s.Last(iv, []*stats.Record{browseRecord()}, stats.Readings{})}
}

// write runs one output over the sample windows and gives what it wrote.
func write(t *testing.T, spec string) string {
	t.Helper()
	var b bytes.Buffer
	specs, err := report.ParseSpecs([]string{spec})
	if err != nil {
		t.Fatal(err)
	}
	o, err := report.Open(specs, &b, shopPlan())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range windows() {
		o.Window(w)
	}
	if err := o.Finish(shopResult(), summarise); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func summarise(failed bool) *report.Summary {
	code := 99
	if failed {
		code = 1
	}
	return report.Summarise(shopResult(), report.Options{ExitCode: code})
}

func TestNDJSON(t *testing.T) {
	got := write(t, "ndjson")
	for line := range strings.Lines(got) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	golden(t, "windows.ndjson", got)
}

func TestCSV(t *testing.T) {
	got := write(t, "csv=-")
	golden(t, "steps.csv", got)
	rows, err := csv.NewReader(strings.NewReader(got)).ReadAll()
	if err != nil || len(rows) != 7 { // a head and three steps in two windows
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestSpecsThatAreRefused(t *testing.T) {
	for want, specs := range map[string][]string{
		"both write to standard output": {"json", "csv=-"},
		"to the same file":              {"json=a", "csv=a"},
		"path after = is empty":         {"json="},
		`no output is called "pdf"`:     {"pdf=a"},
		"did you mean -o json=out.json": {"out.json"},
		`no output is called ""`:        {""},
	} {
		if _, err := report.ParseSpecs(specs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", specs, err, want)
		}
	}
}

// open opens the outputs or ends the test.
func open(t *testing.T, specs ...string) *report.Outputs {
	t.Helper()
	parsed, err := report.ParseSpecs(specs)
	if err != nil {
		t.Fatal(err)
	}
	o, err := report.Open(parsed, io.Discard, shopPlan())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// names lists a directory.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func TestAFileIsReplacedAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "real.csv"), filepath.Join(dir, "link.csv")
	if err := os.WriteFile(file, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	o := open(t, "csv="+link)
	o.Window(windows()[0])
	if kept, _ := os.ReadFile(file); string(kept) != "before" {
		t.Errorf("changed before the end: %q", kept)
	}
	if err := o.Finish(shopResult(), summarise); err != nil {
		t.Fatal(err)
	}
	made, err := os.ReadFile(link)
	if err != nil || !strings.HasPrefix(string(made), "time_s,") {
		t.Errorf("%q, %v", made, err)
	}
	info, _ := os.Lstat(link)
	was, _ := os.Stat(file)
	if got := names(t, dir); got != "link.csv real.csv" || info.Mode().IsRegular() || was.Mode().Perm() != 0o600 {
		t.Errorf("left %s, link %v, mode %v", got, info.Mode(), was.Mode())
	}
}

func TestDiscardLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.json")
	if err := os.WriteFile(path, []byte("before"), 0o666); err != nil {
		t.Fatal(err)
	}
	o := open(t, "json="+path, "csv="+filepath.Join(dir, "new.csv"))
	o.Window(windows()[0])
	o.Discard()
	if kept, _ := os.ReadFile(path); string(kept) != "before" || names(t, dir) != "out.json" {
		t.Errorf("%q among %s", kept, names(t, dir))
	}
}

func TestAbandonLeavesNothingBeside(t *testing.T) {
	dir := t.TempDir()
	o := open(t, "json="+filepath.Join(dir, "out.json"), "csv=-")
	o.Abandon()
	if got := names(t, dir); got != "" {
		t.Errorf("left %s", got)
	}
	o.Discard() // harmless after it
}

func TestWhatCannotBeOpenedIsSaidAtOnce(t *testing.T) {
	dir := t.TempDir()
	taken := t.TempDir()
	if err := os.Mkdir(filepath.Join(taken, "summary.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	good := "csv=" + filepath.Join(dir, "good.csv")
	for path, want := range map[string]string{
		filepath.Join(dir, "none", "out.json"): filepath.Join(dir, "none") + " is no directory; make it, or name another path",
		taken:                                  "is a directory",
	} {
		specs, err := report.ParseSpecs([]string{good, "json=" + path})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := report.Open(specs, io.Discard, shopPlan()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if got := names(t, dir); got != "" {
		t.Errorf("left %s", got)
	}
}

// A full disk loses its own output and no other; the summary tells of it.
func TestAFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	path := filepath.Join(t.TempDir(), "out.json")
	o := open(t, "json="+path, "ndjson=/dev/full")
	for _, w := range windows() {
		o.Window(w)
	}
	err := o.Finish(shopResult(), summarise)
	if err == nil || !strings.Contains(err.Error(), "output ndjson: write /dev/full: no space left") {
		t.Errorf("error: %v", err)
	}
	var summary struct {
		ExitCode int `json:"exit_code"`
	}
	text, _ := os.ReadFile(path)
	if err := json.Unmarshal(text, &summary); err != nil || summary.ExitCode != 1 {
		t.Errorf("%+v, %v in %s", summary, err, text)
	}
}

// stuck is a reader that takes nothing until it is let go.
type stuck chan struct{}

func (s stuck) Write(p []byte) (int, error) {
	<-s
	return len(p), nil
}

func TestAStuckReaderDelaysNoOne(t *testing.T) {
	specs, err := report.ParseSpecs([]string{"ndjson"})
	if err != nil {
		t.Fatal(err)
	}
	reader := make(stuck)
	o, err := report.Open(specs, reader, shopPlan())
	if err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		o.Window(windows()[0])
	}
	close(reader)
	if err := o.Finish(shopResult(), summarise); err == nil || !strings.Contains(err.Error(), "behind the run") {
		t.Errorf("error: %v", err)
	}
}

// broken is a reader that went away.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestTextSaysThatItCouldNotBeWritten(t *testing.T) {
	if err := report.Text(broken{}, summarise(false), report.TextOptions{}); err == nil {
		t.Error("no error")
	}
}

// A label is of use only where the outputs carry it.
func TestTagsAreInEveryOutput(t *testing.T) {
	const object, ofStep = `"tags":{"team":"a","note":"x;y"}`, `"tags":{"page":"home","team":"b"}`
	for spec, want := range map[string][]string{
		"ndjson": {object, ofStep},
		"csv":    {`,50000,1200,team=b;note=x\;y;page=home`, `,3600,3000,team=a;note=x\;y`},
	} {
		got := write(t, spec)
		for _, want := range want {
			if !strings.Contains(got, want) {
				t.Errorf("%s has no %s:\n%s", spec, want, got)
			}
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(write(t, "json"))); err != nil || !strings.Contains(compact.String(), object) || !strings.Contains(compact.String(), ofStep) {
		t.Errorf("json has no %s (%v)", object, err)
	}
}

// full is an output whose disk is full from its second window on.
type full struct {
	w     io.Writer
	lines int
}

func (f *full) Window(*stats.Window) error {
	f.lines++
	if f.lines == 1 {
		_, err := io.WriteString(f.w, "one\n")
		return err
	}
	_, _ = io.WriteString(f.w, "half of tw")
	return errors.New("no space left")
}

func (f *full) Finish(*report.Summary, *stats.Result) error { return nil }

// Who waits an hour for a run wants to hear at once that its output is lost, and
// to keep what there is of it.
func TestAFullDiskIsToldAtOnceAndKeepsWhatWasWritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.test")
	format := report.Format{Name: "test", New: func(w io.Writer, _ *hyperscale.Plan) report.Output { return &full{w: w} }}
	o, err := report.Open([]report.Spec{{Format: format, Path: path}}, io.Discard, shopPlan())
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 3)
	o.OnFailure(func(err error) { told <- err })
	for range 3 {
		o.Window(windows()[0])
	}
	if err := <-told; err.Error() != "output test: no space left" {
		t.Errorf("told %q", err)
	}
	err = o.Finish(shopResult(), summarise)
	if err == nil || !strings.Contains(err.Error(), "no space left; what was written before is in "+path+".partial") || len(told) > 0 {
		t.Errorf("error %v, told %d times more", err, len(told))
	}
	if kept, _ := os.ReadFile(path + ".partial"); string(kept) != "one\n" || names(t, dir) != "out.test.partial" {
		t.Errorf("kept %q among %s", kept, names(t, dir))
	}
}

// The last window of a run may be a sliver, whose rate is chance and would be the
// highest point of every chart.
func TestTheRateOfASliverIsUnknown(t *testing.T) {
	for span, want := range map[time.Duration]string{200 * time.Microsecond: ",0,0,0,,", 100 * time.Millisecond: ",0,0,0,100,"} {
		iv := stats.Interval{From: 1e9, To: 1e9 + span}
		w := stats.NewStream("browse", hyperscale.Whole).Last(iv, []*stats.Record{browseRecord()}, stats.Readings{})
		var b bytes.Buffer
		specs, err := report.ParseSpecs([]string{"csv"})
		if err != nil {
			t.Fatal(err)
		}
		o, err := report.Open(specs, &b, shopPlan())
		if err != nil {
			t.Fatal(err)
		}
		o.Window(w)
		if err := o.Finish(shopResult(), summarise); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%v: no %q in\n%s%v", span, want, &b, err)
		}
	}
}

// The page tells what the summary does, whatever names say.
func TestHTML(t *testing.T) {
	text := write(t, "html")
	golden(t, "page.html", text)
	for _, want := range []string{"exit code 99", "DEGRADED", "p95 &lt; 300ms", "POST /cart of a shop with a long path"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	r := shopResult()
	r.Plan.Name = `<script>alert(1)</script>`
	r.Plan.Tags = []hyperscale.Pair{{Name: `"><img src=x>`, Value: "</td>"}}
	if page := htmlOf(t, r); strings.Contains(page, "<script>") || strings.Contains(page, "<img") {
		t.Errorf("a name became part of the page:\n%s", page)
	}
}

// A folder takes a file under the format's own name.
func TestOutputInFolder(t *testing.T) {
	dir := t.TempDir()
	specs, err := report.ParseSpecs([]string{"json=" + dir, "html=" + dir + "/", "csv=" + dir + "/x.csv"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"summary.json", "index.html", "x.csv"} {
		if specs[i].Path != filepath.Join(dir, want) {
			t.Errorf("%s goes to %s", specs[i].Format.Name, specs[i].Path)
		}
	}
}

// A spreadsheet takes no name for a formula.
func TestCSVOfFormulas(t *testing.T) {
	plan := &hyperscale.Plan{Tags: []hyperscale.Pair{{Name: "=cmd|' /C calc'!A0", Value: "x"}}}
	s := stats.NewStream("@SUM(1)", hyperscale.Whole)
	rec := stats.NewRecord(layout("@SUM(1)", stats.StepLayout{Name: "=1+1"}, stats.StepLayout{Name: "-2"}, stats.StepLayout{Name: "fine = yes"}))
	for i := range rec.Steps {
		rec.Steps[i].Started, rec.Steps[i].OK = 1, 1
	}
	var b bytes.Buffer
	for _, f := range report.Formats() {
		if f.Name != "csv" {
			continue
		}
		out := f.New(&b, plan)
		if err := out.Window(s.Cut(stats.Interval{To: time.Second}, []*stats.Record{rec}, stats.Readings{})); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, want := range []string{"'=1+1", "'-2", "fine = yes"} {
		row := rows[i+1]
		if row[1] != "'@SUM(1)" || row[2] != want || !strings.HasPrefix(row[len(row)-1], "'=cmd") {
			t.Errorf("row %q", row)
		}
	}
}

// htmlOf is the page of a result.
func htmlOf(t *testing.T, r *stats.Result) string {
	t.Helper()
	var b bytes.Buffer
	for _, f := range report.Formats() {
		if f.Name == "html" {
			if err := f.New(&b, r.Plan).Finish(report.Summarise(r, report.Options{}), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b.String()
}
