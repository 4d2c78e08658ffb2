package session

import (
	"time"

	"hyperscale"
)

// scenario is the plan of a transcript.
type scenario struct {
	plan func() *hyperscale.Plan
	in   Inputs
}

// of makes a scenario of steps.
func of(steps ...hyperscale.Step) scenario {
	return scenario{plan: func() *hyperscale.Plan { return planOf(steps...) }}
}

// scenarios are the plans of the transcripts in testdata.
func scenarios() map[string]scenario {
	return map[string]scenario{
		// Steps go one after the other; each is due when the one before ended.
		"order": of(get("a", "/a"), get("b", "/b")),
		// A pause ends as planned: what follows is due then, not when it woke up.
		"pause": of(get("a", "/a"), pauseStep("pause", time.Second), get("b", "/b")),
		// needs: [] starts at once, needs: [a, b] waits for both, and a step is due
		// when the last of what it needs ended.
		"needs": of(get("a", "/a"), needs(get("b", "/b")), needs(get("c", "/c"), 0, 1)),
		"parallel": of(
			parallelStep("both", get("a", "/a"), get("b", "/b")),
			get("c", "/c"),
		),
		// A group is listed with its own time, which leaves its pauses out.
		"group": of(
			groupStep("checkout", pauseStep("think", time.Second), get("cart", "/cart"), pauseStep("read", 2*time.Second), get("pay", "/pay"),
				pauseStep("leave", time.Second)),
			get("after", "/after"),
		),
		// Only while nothing else was under way is a pause left out.
		"grouppause": of(
			groupStep("g", parallelStep("both", pauseStep("p", 3*time.Second), get("a", "/a")), get("b", "/b"), get("c", "/c")),
		),
		"repeatcookie": of(but(groupStep("loop", get("a", "/a")), func(s *hyperscale.Step) { s.Repeat = 2 })),
		"repeat": of(
			but(groupStep("loop", get("poll", "/poll", capturing("state", hyperscale.CaptureJSON, "$.state"))),
				func(s *hyperscale.Step) { s.Repeat, s.Until = 3, `state == "done"` }),
		),
		// Until without repeat goes on until it holds.
		"until": of(
			but(groupStep("loop", get("poll", "/poll", capturingOr("state", hyperscale.CaptureJSON, "$.state", "?"))),
				func(s *hyperscale.Step) { s.Until = `state == "done"` }),
		),
		"choose": of(
			chooseStep("way", branch(7, get("a", "/a")), branch(3, get("b", "/b"))),
			get("after", "/after"),
		),
		// A skipped step satisfies what needs it.
		"when": of(
			get("list", "/list", capturingOr("id", hyperscale.CaptureJSON, "$.id", "")),
			when(get("item", "/item/{{ id }}"), `id != ""`),
			get("end", "/end"),
		),
		// once runs in the first iteration only, and what it captured stays.
		"once": of(
			once(post("login", "/login", capturing("token", hyperscale.CaptureJSON, "$.token"))),
			get("home", "/", headers("authorization", "Bearer {{ token }}")),
		),
		// A template without a value: the step is not sent, and on-error is followed.
		"novalue": of(
			get("list", "/list", capturing("id", hyperscale.CaptureJSON, "$.id")),
			get("item", "/item/{{ id }}"),
			get("end", "/end"),
		),
		"novaluestop": of(
			get("list", "/list", capturing("id", hyperscale.CaptureJSON, "$.id")),
			onError(setStep("keep", pair("copy", "{{ id }}")), hyperscale.OnErrorStop),
			get("end", "/end"),
		),
		"stop":   of(onError(get("a", "/a"), hyperscale.OnErrorStop), get("b", "/b")),
		"stopvu": of(onError(get("a", "/a"), hyperscale.OnErrorStopVU), get("b", "/b")),
		// abort is said with the failed request, though another one is under way.
		"abort": of(parallelStep("both", onError(get("a", "/a"), hyperscale.OnErrorAbort), get("b", "/b")), get("c", "/c")),
		// A group that a stop cut short is listed as failed, once.
		"groupstop": of(groupStep("outer", groupStep("inner",
			parallelStep("both", onError(get("a", "/a"), hyperscale.OnErrorStop), get("b", "/b"))), get("c", "/c"))),
		// Of two reaches of an end the farther counts; what pauses is not waited for.
		"stops": of(parallelStep("all", onError(get("a", "/a"), hyperscale.OnErrorAbort), onError(get("b", "/b"), hyperscale.OnErrorStopVU),
			groupStep("g", pauseStep("p", time.Second)), get("c", "/c"))),
		"interrupt": of(parallelStep("both", get("a", "/a"), get("b", "/b"), pauseStep("p", time.Minute))),
		"redirects": of(
			post("login", "/login", bodyText("user=ann"), headers("authorization", "Basic abc", "x-trace", "1"), cookies("pref", "dark"), redirects(4)),
			post("keep", "/old", bodyText("data"), cookies("pref", "dark"), redirects(1)),
			requestStep("head", "HEAD", "/h"),
			get("raw", "/raw", redirects(0)),
		),
		// A cookie that only a redirect needs, and one that only a redirect gives.
		"redirectcookie": of(get("a", "/a", capturing("sid", hyperscale.CaptureCookie, "sid"), headers("host", "virtual"))),
		"cookies": of(
			get("a", "/shop/a"), get("b", "/shop/b", cookies("sid", "own", "x", "1")), get("c", "https://shop.test/c"), get("d", "http://sub.shop.test/shop/d"),
		),
		"keepjar": {plan: func() *hyperscale.Plan {
			p := planOf(get("a", "/a"))
			p.Workflows[0].KeepJar = true
			return p
		}},
		"answers": of(
			get("checked", "/", checking(status(200, 299), bodyCheck(hyperscale.CheckContains, "ok"),
				hyperscale.Check{Kind: hyperscale.CheckTime, Name: "time < 800ms", Op: "<", Number: int64(800 * time.Millisecond)}),
				capturing("id", hyperscale.CaptureJSON, "$.id")),
			get("plain", "/plain"),
		),
		"broken": of(get("a", "/a"), get("b", "/b"), get("c", "/c"), get("d", "/d")),
		"rows": {
			plan: func() *hyperscale.Plan {
				p := planOf(get("a", "/{{ shared.x }}/{{ unique.x }}/{{ byvu.x }}"))
				for _, pick := range []hyperscale.Pick{hyperscale.PickShared, hyperscale.PickUnique, hyperscale.PickByVU} {
					name := map[hyperscale.Pick]string{hyperscale.PickShared: "shared", hyperscale.PickUnique: "unique", hyperscale.PickByVU: "byvu"}[pick]
					p.Data = append(p.Data, hyperscale.DataSet{Name: name, Pick: pick, Columns: []string{"x"}})
				}
				return p
			},
			in: Inputs{Rows: map[string]Rows{
				"shared": table{{"s0"}, {"s1"}}, "unique": table{{"u0"}, {"u1"}, {"u2"}}, "byvu": table{{"v0"}, {"v1"}},
			}},
		},
	}
}
