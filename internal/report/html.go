package report

import (
	"cmp"
	_ "embed" // the page
	"html/template"
	"io"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/show"
	"hyperscale/internal/stats"
)

//go:embed page.html
var page string

// htmlOutput writes the summary as a page. It loads nothing and runs no script.
type htmlOutput struct {
	w    io.Writer
	page *template.Template
}

func newHTML(w io.Writer, _ *hyperscale.Plan) Output {
	t := template.New("page").Funcs(template.FuncMap{
		"count":   func(n uint64) string { return hyperscale.Count(n) },
		"mean":    func(s Spread) string { return durationText(s, s.Mean) },
		"max":     func(s Spread) string { return durationText(s, s.Max) },
		"at":      func(s Spread, percent float64) string { return quantileText(s, percent) },
		"number":  numberText,
		"words":   func(p string) string { return strings.ToLower(p) },
		"seconds": shownSeconds,
		"shown":   func(t Threshold) string { return cmp.Or(t.shown, show.Nothing) },
		"verdict": func(v State) string { return cmp.Or(string(v), "no verdict: nothing was asked of the generator") },
	})
	return htmlOutput{w, template.Must(t.Parse(page))}
}

func (o htmlOutput) Window(*stats.Window) error { return nil }

func (o htmlOutput) Finish(s *Summary, _ *stats.Result) error { return o.page.Execute(o.w, s) }

// quantileText is a quantile for people.
func quantileText(s Spread, percent float64) string {
	if d, ok := s.At(percent); ok {
		return show.Duration(d)
	}
	return show.Nothing
}

// durationText is a duration for people, if there was any.
func durationText(s Spread, d time.Duration) string {
	if s.Count == 0 {
		return show.Nothing
	}
	return show.Duration(d)
}

// numberText is a rate for people.
func numberText(n Number) string {
	if !n.Known {
		return show.Nothing
	}
	return show.Rate(n.Value)
}
