package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Target is the demo's handler. Make one with [New].
type Target struct {
	routes map[string]*route // by the first segment of the path
	other  atomic.Int64      // requests for paths that are not served
	since  time.Time         // what /stall counts from
	orders atomic.Int64
	pages  []string // of /products, the last one empty
	packed string   // what /gzip answers
}

// route is one endpoint and how often it was asked.
type route struct {
	pattern string // as shown in the index and in /hits
	about   string
	methods string // allowed, separated by blanks; "": any
	hits    atomic.Int64
	serve   func(w http.ResponseWriter, r *http.Request, rest string)
}

// New gives a target whose counts are zero and whose stalls count from now.
func New() *Target {
	t := &Target{
		routes: make(map[string]*route),
		since:  time.Now(),
		pages:  productPages(),
		packed: compressed(smallJSON),
	}
	for _, r := range t.endpoints() {
		first, _, _ := strings.Cut(r.pattern[1:], "/")
		t.routes[first] = r
	}
	return t
}

// endpoints lists what is served, in the order of the index.
func (t *Target) endpoints() []*route {
	list := []*route{
		{pattern: "/json", about: "a small JSON document", serve: t.json},
		{pattern: "/products", about: "?page=N, 1 to 20: a JSON list with ids, and an ETag", serve: t.products},
		{pattern: "/token", about: "POST: an access token as JSON", methods: "POST", serve: t.token},
		{pattern: "/cart", about: "POST: takes an order, answers 201", methods: "POST", serve: t.cart},
		{pattern: "/delay/{ms}", about: "answers after so many milliseconds", serve: t.delay},
		{pattern: "/status/{code}", about: "answers with the status", serve: t.status},
		{pattern: "/error", about: "?rate=0.1: that part of the answers is 500", serve: t.error},
		{pattern: "/echo", about: "the request as JSON", serve: t.echo},
		{pattern: "/cookie", about: "counts visits in cookies", serve: t.cookie},
		{pattern: "/redirect/{n}", about: "n redirects, then an answer", serve: t.redirect},
		{pattern: "/bytes/{n}", about: "a body of n bytes", serve: t.bytes},
		{pattern: "/stall", about: "answers nothing for 1 s in every 10", serve: t.stall},
		{pattern: "/gzip", about: "a JSON document, compressed with gzip", serve: t.gzip},
		{pattern: "/hits", about: "how often each endpoint was asked, this one left out", serve: t.hits},
	}
	index := &route{pattern: "/", about: "this list"}
	text := indexText(append([]*route{index}, list...))
	index.serve = func(w http.ResponseWriter, _ *http.Request, _ string) { answer(w, http.StatusOK, plainText, text) }
	return append(list, index)
}

func indexText(list []*route) string {
	var b strings.Builder
	b.WriteString("hyperscale demo target\n\n")
	for _, r := range list {
		b.WriteString(r.pattern + strings.Repeat(" ", 18-len(r.pattern)) + r.about + "\n")
	}
	return b.String()
}

// ServeHTTP answers one request and counts it.
func (t *Target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first, rest, below := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	found := t.routes[first]
	if found == nil || below != strings.Contains(found.pattern, "{") {
		t.other.Add(1)
		say(w, http.StatusNotFound, "nothing is served at this path; / lists what is")
		return
	}
	if first != "hits" {
		found.hits.Add(1)
	}
	if found.methods != "" && r.Method != found.methods {
		w.Header().Set("Allow", found.methods)
		say(w, http.StatusMethodNotAllowed, "this wants "+found.methods)
		return
	}
	found.serve(w, r, rest)
}

// Hits says how often each endpoint was asked, by its pattern; "other" counts
// requests for anything else, "total" all of them. /hits itself is left out.
func (t *Target) Hits() map[string]int64 {
	counts := map[string]int64{"other": t.other.Load()}
	total := counts["other"]
	for first, r := range t.routes {
		if first != "hits" {
			counts[r.pattern] = r.hits.Load()
			total += counts[r.pattern]
		}
	}
	counts["total"] = total
	return counts
}

func (t *Target) hits(w http.ResponseWriter, _ *http.Request, _ string) {
	answerJSON(w, http.StatusOK, t.Hits())
}

// The media types, in the form that a header takes without a copy.
var (
	plainText = []string{"text/plain; charset=utf-8"}
	jsonText  = []string{"application/json"}
	octets    = []string{"application/octet-stream"}
	gzipped   = []string{"gzip"}
)

// answer sends a whole body at once. Failing to means that the client went
// away, which is its own affair.
func answer(w http.ResponseWriter, status int, kind []string, body string) {
	w.Header()["Content-Type"] = kind
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic("demo: " + err.Error()) // our own values always encode
	}
	answer(w, status, jsonText, string(body)+"\n")
}

// say sends one line of text.
func say(w http.ResponseWriter, status int, line string) {
	answer(w, status, plainText, line+"\n")
}
