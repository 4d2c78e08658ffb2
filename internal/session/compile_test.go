package session

import (
	"strings"
	"testing"

	"hyperscale"
)

// What cannot be compiled, and what the error says of it.
func TestCompileErrors(t *testing.T) {
	request := func(with func(*hyperscale.Request)) hyperscale.Step { return get("a", "/", with) }
	target := func(target string) *hyperscale.Plan {
		p := planOf(get("a", "/x"))
		p.Target = target
		return p
	}
	vars := func(of ...string) *hyperscale.Plan {
		p := planOf(get("a", "/{{ v }}"))
		p.Vars = pairs(of...)
		return p
	}
	capture := func(kind hyperscale.CaptureKind, arg string) hyperscale.Step {
		return get("a", "/", capturing("v", kind, arg))
	}
	check := func(c hyperscale.Check) hyperscale.Step {
		c.Name = "it"
		return get("a", "/", checking(c))
	}
	tests := []struct {
		plan *hyperscale.Plan
		want string
	}{
		{planOf(get("a", "/{{ nobody }}")), `workflow main: step a: url "/{{ nobody }}": the name "nobody" is not known here`},
		{planOf(get("a", "/{{ env.X }}")), "env.X is not set"},
		{planOf(get("a", "/{{ ")), "is not closed"},
		{target(""), "is a path, and the plan has no target"},
		{target("shop.test"), `the target "shop.test" is no base URL`},
		{target("http://shop.test?x"), "is no base URL"},
		{target("ftp://shop.test"), "is no base URL"},
		{target("http://"), "a host that is none"},
		{target("http://me:secret@shop.test?x"), `the target "http://shop.test?x" is no base URL`},
		{target("http://me:secret@sh op.test"), `"http://sh op.test" has a host that is none`},
		{target("{{ nobody }}"), "target: the name"},
		{planOf(requestStep("a", "GE T", "/")), "expected a name such as GET"},
		{planOf(requestStep("a", "{{ vu }}", "/")), "known before the start"},
		{planOf(request(headers("x y", "1"))), `header "x y"`},
		{planOf(request(headers("x", "a\nb"))), "header x: holds a line break"},
		{planOf(request(headers("Content-Length", "5"))), "leave it out"},
		{planOf(request(headers("transfer-encoding", "chunked"))), "leave it out"},
		{planOf(request(cookies("a;b", "1"))), `cookie "a;b"`},
		{planOf(request(cookies("a", "\r"))), "cookie a: holds a line break"},
		{planOf(request(params("a", "{{ nobody }}"))), "params: a: the name"},
		{planOf(request(jsonText("{"))), "json: the body is not JSON"},
		{planOf(request(jsonText(`{"a": "{{ nobody }}"}`))), `json: "{{ nobody }}": the name`},
		{planOf(request(fieldsOf(hyperscale.BodyMultipart, hyperscale.Field{Name: "{{ vu }}"}))), "multipart: {{ vu }}: expected a name"},
		{planOf(request(func(r *hyperscale.Request) {
			r.Body = hyperscale.Body{Kind: hyperscale.BodyFile, File: hyperscale.File{Path: "p", Type: "a\nb"}}
		})), "the type of p"},
		{planOf(request(func(r *hyperscale.Request) { r.BasicAuth = &hyperscale.Pair{Name: "{{ nobody }}"} })), "auth: user: the name"},
		{planOf(capture(hyperscale.CaptureJSON, "id")), "capture v:"},
		{planOf(capture(hyperscale.CaptureRegex, "(")), "capture v:"},
		{planOf(capture("sound", "")), "capture v:"},
		{planOf(check(hyperscale.Check{Kind: hyperscale.CheckMatches, Value: "("})), "check it: error parsing regexp"},
		{planOf(check(hyperscale.Check{Kind: hyperscale.CheckMatches, Value: "{{ vu }}"})), "known only while running"},
		{planOf(check(hyperscale.Check{Kind: hyperscale.CheckTime, Op: "contains"})), "cannot compare numbers"},
		{planOf(check(hyperscale.Check{Kind: hyperscale.CheckJSON, Arg: "x", Op: "=="})), "check it:"},
		{planOf(check(hyperscale.Check{Kind: hyperscale.CheckStatus, Statuses: []hyperscale.StatusRange{{Lo: 0, Hi: 1000}}})), "check it:"},
		{planOf(check(hyperscale.Check{Kind: "smell"})), `the kind "smell" is not known`},
		{planOf(when(get("a", "/"), "nobody ==")), "step a: when:"},
		{planOf(but(groupStep("g", get("a", "/")), func(s *hyperscale.Step) { s.Until = "nobody" })), "step g: until:"},
		{planOf(setStep("s", pair("x", "{{ nobody }}"))), "step s: set x:"},
		{planOf(groupStep("g", get("inner", "http://"))), "step inner:"},
		{planOf(chooseStep("c", branch(0, get("a", "/")))), "no branch has a weight"},
		{planOf(but(pauseStep("p", 5), func(s *hyperscale.Step) { s.Pause.Kind, s.Pause.Max = hyperscale.PauseUniform, 4 })), "step p: a pause"},
		{planOf(hyperscale.Step{Name: "x"}), "without a request"},
		{planOf(hyperscale.Step{Name: "x", Kind: 99}), "the kind 99 is not known"},
		{planOf(needs(get("a", "/"), 1), needs(get("b", "/"), 0)), "in a circle"},
		{planOf(needs(get("a", "/"), 5)), "step a: needs step 5 of 1"},
		{vars("v", "{{ w }}", "w", "{{ v }}"), "needs itself"},
		{vars("v", "{{ "), "vars: v:"},
	}
	for _, test := range tests {
		_, err := Compile(test.plan, 0, Inputs{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
	plan := planOf(get("a", "/{{ users.name }}"))
	plan.Data = []hyperscale.DataSet{{Name: "users", Columns: []string{"name"}}}
	if _, err := Compile(plan, 0, Inputs{}); err == nil || !strings.Contains(err.Error(), "the data set users was not loaded") {
		t.Error(err)
	}
	if _, err := Compile(planOf(), 0, Inputs{UserAgent: "a\nb"}); err == nil {
		t.Error("a user agent of two lines compiles")
	}
}

// Steps are listed in the plan's order, those inside after the one that holds them.
func TestSteps(t *testing.T) {
	p := compile(t, planOf(
		groupStep("g", get("a", "/", checking(status(200, 200)), func(r *hyperscale.Request) { r.Tags = pairs("k", "v") }), parallelStep("p", get("b", "/"))),
		chooseStep("c", branch(1, get("d", "/")), branch(1, pauseStep("e", 0))), setStep("f"),
	), Inputs{})
	var names []string
	for _, s := range p.Steps {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "g a p b c d e f" {
		t.Error(got)
	}
	if !p.Steps[0].Group || p.Steps[2].Group || p.Steps[1].Checks[0] != "a: status" || p.Steps[1].Tags[0].Value != "v" || p.Steps[6].Kind != hyperscale.StepPause {
		t.Errorf("%+v", p.Steps)
	}
}

// A workflow without steps is over at once.
func TestEmptyWorkflow(t *testing.T) {
	for _, plan := range []*hyperscale.Plan{planOf(), planOf(parallelStep("p")), planOf(chooseStep("c", branch(1)))} {
		p := compile(t, plan, Inputs{})
		s := &Session{}
		p.Init(s)
		if out := s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil); len(out) != 1 || out[0].Kind != Done || out[0].Outcome != OK {
			t.Errorf("%+v", out)
		}
	}
}
