package cli

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hyperscale/internal/engine/wire"
	"hyperscale/internal/local"
	"hyperscale/internal/plan"
	"hyperscale/internal/report"
)

func pingCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "ping URL",
		Short: "One request, its phases and answer",
		Long:  "Sends one request as a run would and shows it with its answer and where the time went.",
		Example: "  hyperscale ping http://localhost:8080/\n" +
			"  hyperscale ping https://localhost:8443/cart -k -b '{\"product\":\"p-1\"}' -H 'content-type: application/json'",
		Args: func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "a URL") },
		RunE: func(c *cobra.Command, args []string) error { return ping(c.Context(), a, args[0]) },
	}
	a.addSettings(c, requestFlags())
	exits(c, "0    it was answered, whatever the answer said", "104  bad URL or flags", "105  interrupted", "1    no answer")
	return c
}

// ping sends one request and shows it.
func ping(ctx context.Context, a *app, url string) error {
	if !isURL(url) {
		return refuse("%s is no URL; expected http://… or https://…", url)
	}
	a.set.values = append(a.set.values, plan.Setting{Name: "iterations", Value: "1", From: plan.FromFlag},
		plan.Setting{Name: "vus", Value: "1", From: plan.FromFlag})
	loaded, err := a.load(url)
	if err != nil {
		return refused(err)
	}
	defer func() { _ = loaded.Close() }() // only read
	var got answer
	trace := got.take
	if !a.json {
		text := newTracer(a.Stdout, a.theme(a.Terminal.Out))
		text.head = url
		trace = text.show
	}
	a.quiet = true // one request is over before anyone looks
	result, err := a.watched(ctx, local.Config{
		Plan: loaded.Plan, Rows: rows(loaded), Version: Version, Lanes: 1, Trace: trace,
	}, noOutputs())
	if err != nil {
		return err
	}
	a.outcome = outcome{result: result}
	if a.json {
		return writePing(a.Stdout, report.Summarise(result, report.Options{ExitCode: exitCode(a.outcome)}), &got)
	}
	return nil
}

// answer is what ping --json adds to the summary: what came back, and the parts
// of its time in milliseconds. What there was none of is null: a connection that
// was open already, an answer that never began.
type answer struct {
	Status *int                `json:"status"`
	Head   []string            `json:"head"` // lines
	Body   *string             `json:"body"` // its beginning; null: empty, or no text
	Size   int64               `json:"body_bytes"`
	Error  *string             `json:"error"`
	Phases map[string]*float64 `json:"phases_ms"` // connect, tls, first_byte, transfer, total
}

// take keeps an exchange; of several, the last.
func (a *answer) take(_, _ string, x *wire.Exchange) {
	p := x.Phases
	*a = answer{Head: []string{}, Phases: map[string]*float64{
		"connect": millis(p.Connect), "tls": nil, "first_byte": millis(p.FirstByte), "transfer": millis(p.Transfer),
		"total": millis(x.Answer.End - x.Answer.Start),
	}}
	if x.Request.Origin.Scheme == "https" {
		a.Phases["tls"] = millis(p.TLS)
	}
	if x.Fault != 0 {
		text := faultText(x)
		a.Error = &text
		return
	}
	status := x.Answer.Status
	a.Status, a.Size = &status, x.Answer.BodySize
	for line := range strings.SplitSeq(strings.TrimRight(string(x.Answer.Head), "\r\n"), "\r\n") {
		a.Head = append(a.Head, line)
	}
	if text, _ := readable(x.Answer.Head, x.Answer.Body); text != "" {
		a.Body = &text
	}
}

// millis is d in milliseconds; nil for what was not.
func millis(d time.Duration) *float64 {
	if d < 0 {
		return nil
	}
	ms := float64(d) / float64(time.Millisecond)
	return &ms
}

// writePing writes the summary with the answer in it.
func writePing(w io.Writer, s *report.Summary, a *answer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		*report.Summary
		Answer *answer `json:"answer"`
	}{s, a})
}
