package plan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/expr"
)

// metricForm is what messages expect of a metric.
const metricForm = "p95, mean, min, max or stddev (also after service. or lateness.), errors, missed, checks, failures, rate or bytes"

// metricWords are the metrics for corrections.
var metricWords = []string{
	"p50", "p90", "p95", "p99", "p99.9", "mean", "min", "max", "stddev", "errors", "missed", "checks", "failures", "rate", "bytes",
	"service.p95", "service.p99", "service.mean", "service.max", "lateness.p99", "lateness.mean", "lateness.max",
}

// ParseThreshold reads a condition without its scope:
// METRIC OP VALUE [over D] [abort [after D]]. The error is an
// [expr.SyntaxError] with the offset in text.
func ParseThreshold(text string) (hyperscale.Threshold, error) {
	t := hyperscale.Threshold{Text: text}
	at := strings.IndexAny(text, "<>=!")
	if at < 0 {
		return t, &expr.SyntaxError{What: fmt.Sprintf("%q compares nothing", text), Expected: "METRIC OP VALUE, such as p95 < 300ms"}
	}
	metric := strings.TrimRight(text[:at], " ")
	if err := parseMetric(&t, strings.TrimLeft(metric, " "), strings.Index(text, strings.TrimLeft(metric, " "))); err != nil {
		return t, err
	}
	op, rest, err := expr.ParseOp(text[at:])
	if err != nil || op.OnText() {
		return t, &expr.SyntaxError{Offset: at, What: fmt.Sprintf("%q is no comparison", text[at:]), Expected: "< <= > >= == or !="}
	}
	t.Op = op.String()
	words := wordsOf(rest, len(text)-len(rest))
	if len(words) == 0 {
		return t, &expr.SyntaxError{Offset: at, What: "nothing follows " + t.Op, Expected: "a value"}
	}
	if t.Value, err = parseLimit(&t, words[0]); err != nil {
		return t, err
	}
	return t, parseTail(&t, words[1:])
}

// word is a word of a text with its place.
type word struct {
	text   string
	offset int
}

// wordsOf splits text that stands at an offset.
func wordsOf(text string, offset int) []word {
	var all []word
	for _, w := range strings.Fields(text) {
		skip := strings.Index(text, w)
		all = append(all, word{text: w, offset: offset + skip})
		text, offset = text[skip+len(w):], offset+skip+len(w)
	}
	return all
}

// parseMetric reads the metric, which stands at an offset.
func parseMetric(t *hyperscale.Threshold, text string, offset int) error {
	name := text
	for _, of := range []hyperscale.Durations{hyperscale.ServiceTime, hyperscale.Lateness} {
		if rest, ok := strings.CutPrefix(text, string(of)+"."); ok {
			t.Of, name = of, rest
		}
	}
	t.Metric = hyperscale.Metric(name)
	switch t.Metric {
	case hyperscale.MetricMean, hyperscale.MetricMin, hyperscale.MetricMax, hyperscale.MetricStddev:
		return nil
	case hyperscale.MetricErrors, hyperscale.MetricMissed, hyperscale.MetricChecks, hyperscale.MetricFailures, hyperscale.MetricRate, hyperscale.MetricBytes:
		if t.Of == hyperscale.ResponseTime {
			return nil
		}
		return &expr.SyntaxError{Offset: offset, What: fmt.Sprintf("%s is no time: it can't stand after %s.", name, t.Of), Expected: name + " alone"}
	}
	number, isQuantile := strings.CutPrefix(name, "p")
	if !isQuantile || number == "" || strings.Trim(number, "0123456789.") != "" {
		return &expr.SyntaxError{Offset: offset, What: fmt.Sprintf("%q is no metric", text), Expected: metricForm, Meant: expr.Nearest(text, metricWords)}
	}
	q, err := strconv.ParseFloat(number, 64)
	if err != nil || q <= 0 || q > 100 {
		return &expr.SyntaxError{Offset: offset, What: fmt.Sprintf("%q is no percentile", name), Expected: "pN with N above 0 and at most 100, such as p99.9"}
	}
	t.Metric, t.Quantile = hyperscale.MetricQuantile, q
	return nil
}

// parseLimit reads the value that a metric is compared with: times with a unit,
// everything else without.
func parseLimit(t *hyperscale.Threshold, w word) (float64, error) {
	var err error
	switch t.Metric {
	case hyperscale.MetricErrors, hyperscale.MetricMissed, hyperscale.MetricChecks:
		var v float64
		if v, err = hyperscale.ParseShare(w.text); err == nil {
			return v, nil
		}
	case hyperscale.MetricFailures, hyperscale.MetricRate, hyperscale.MetricBytes:
		v, err := strconv.ParseFloat(w.text, 64)
		if err == nil && strings.Trim(w.text, "0123456789.") == "" && (t.Metric != hyperscale.MetricFailures || v == float64(int64(v))) {
			return v, nil
		}
		return 0, noNumber(t.Metric, w)
	default:
		var v time.Duration
		if v, err = hyperscale.ParseDuration(w.text); err == nil {
			return float64(v), nil
		}
		if v, bare := hyperscale.ParseDuration(w.text + "ms"); bare == nil && v > 0 {
			err = &hyperscale.LexicalError{What: fmt.Sprintf("the time %q has no unit", w.text), Expected: "such as 300ms or 2s", Meant: w.text + "ms"}
		}
	}
	return 0, within(err, w)
}

// noNumber is the error for a value that has a unit or is no number.
func noNumber(metric hyperscale.Metric, w word) error {
	forms := map[hyperscale.Metric]string{
		hyperscale.MetricFailures: "a whole number without a unit, such as 10", hyperscale.MetricRate: "a number of requests per second without a unit, such as 500",
		hyperscale.MetricBytes: "a number of bytes without a unit, such as 1000000",
	}
	e := &expr.SyntaxError{Offset: w.offset, What: fmt.Sprintf("%q can't be compared with %s", w.text, metric), Expected: forms[metric]}
	if n, err := hyperscale.ParseSize(w.text); err == nil && metric == hyperscale.MetricBytes {
		e.Meant = strconv.FormatInt(n, 10)
	}
	if n, ok := strings.CutSuffix(w.text, "/s"); ok && metric == hyperscale.MetricRate {
		e.Meant = n
	}
	return e
}

// within gives the error of a lexical form its place.
func within(err error, w word) error {
	if lexical := new(hyperscale.LexicalError); errors.As(err, &lexical) {
		return &expr.SyntaxError{Offset: w.offset, What: lexical.What, Expected: lexical.Expected, Meant: lexical.Meant}
	}
	return err
}

// parseTail reads [over D] [abort [after D]].
func parseTail(t *hyperscale.Threshold, words []word) error {
	var err error
	if len(words) > 1 && words[0].text == "over" {
		if t.Over, err = hyperscale.ParseDuration(words[1].text); err != nil {
			return within(err, words[1])
		}
		if t.Over < time.Second || t.Over%time.Second != 0 {
			return &expr.SyntaxError{Offset: words[1].offset, What: fmt.Sprintf("a sliding window of %s", words[1].text), Expected: "whole seconds, at least 1s"}
		}
		words = words[2:]
	}
	if len(words) > 0 && words[0].text == "abort" {
		t.Abort, words = true, words[1:]
		if len(words) > 1 && words[0].text == "after" {
			if t.After, err = hyperscale.ParseDuration(words[1].text); err != nil {
				return within(err, words[1])
			}
			words = words[2:]
		}
	}
	if len(words) == 0 {
		return nil
	}
	e := &expr.SyntaxError{Offset: words[0].offset, What: fmt.Sprintf("%q after the condition", words[0].text), Expected: "[over D] [abort [after D]]"}
	if meant := expr.Nearest(words[0].text, []string{"over", "abort", "after"}); meant != words[0].text {
		e.Meant = meant
	}
	return e
}

// parseWhile reads the condition of a search: thresholds joined by and, without
// windows and without abort.
func parseWhile(text string) ([]hyperscale.Threshold, error) {
	var all []hyperscale.Threshold
	offset := 0
	for part := range strings.SplitSeq(text, " and ") {
		t, err := ParseThreshold(strings.TrimSpace(part))
		shift := offset + len(part) - len(strings.TrimLeft(part, " "))
		if wrong := new(expr.SyntaxError); errors.As(err, &wrong) {
			wrong.Offset += shift
			return nil, wrong
		}
		if t.Over > 0 || t.Abort {
			return nil, &expr.SyntaxError{Offset: shift, What: fmt.Sprintf("%q has a window or an abort", part), Expected: "METRIC OP VALUE alone: each probe is judged as a whole"}
		}
		all = append(all, t)
		offset += len(part) + len(" and ")
	}
	return all, nil
}

// thresholdPart reads the thresholds of a plan.
type thresholdPart struct{ *reader }

// thresholds reads the plan's thresholds.
func (r thresholdPart) thresholds() {
	for i := range r.file.Thresholds {
		file := &r.file.Thresholds[i]
		if !file.Read {
			continue // its fault is told
		}
		t, err := ParseThreshold(file.Text)
		if err != nil {
			r.wrongThreshold(file, err)
			continue
		}
		if file.Scoped {
			t.Text = file.Scope + ": " + t.Text
			r.scope(file, &t)
		}
		r.plan.Thresholds = append(r.plan.Thresholds, t)
	}
}

// wrongThreshold notes the fault of a threshold, which may come from a flag.
func (r thresholdPart) wrongThreshold(file *thresholdFile, err error) {
	r.Wrong(file.Node, err)
	if file.Node == nil {
		last := &r.Faults[len(r.Faults)-1]
		last.Outside, last.From = true, flagText("threshold", file.Text)
	}
}

// scope finds the workflow and step that a threshold is of.
func (r thresholdPart) scope(file *thresholdFile, t *hyperscale.Threshold) {
	workflow, step, hasStep := strings.Cut(file.Scope, "/")
	at := Fault{Pos: file.ScopePos, Outside: file.Node == nil}
	if at.Outside {
		at.From = flagText("threshold", file.Scope+": "+file.Text)
	}
	t.Workflow, t.Step = workflow, step
	found := r.flow(workflow)
	switch {
	case found == nil:
		at.What, at.Expected = fmt.Sprintf("there is no workflow %q", workflow), "WORKFLOW or WORKFLOW/STEP"
		at.Meant = r.nearest(workflow, r.flowNames)
	case hasStep && !found.steps[step]:
		at.What = fmt.Sprintf("the workflow %s has no step %q", workflow, step)
		at.Meant = r.nearest(step, found.stepNames)
	case hasStep && t.Metric == hyperscale.MetricMissed:
		at.What, at.Expected = "slots are missed by workflows, not by steps", workflow+": "+file.Text
	case hasStep && t.Of == hyperscale.Lateness:
		at.What, at.Expected = "lateness is of workflows, not of steps", workflow+": "+file.Text
	default:
		return
	}
	r.Faults = append(r.Faults, at)
}
