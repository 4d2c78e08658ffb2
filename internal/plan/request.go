package plan

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/plan/yamlfile"
)

// What a request does that says nothing else.
const (
	defaultTimeout   = 10 * time.Second
	defaultRedirects = 10
	defaultMaxBody   = 1 << 20
	mostRedirects    = 100
)

// requestPart reads requests: how they are sent and what is wanted of the answer.
type requestPart struct{ *reader }

// request reads a request step.
func (r requestPart) request(sc *scope, n *stepNode) *hyperscale.Request {
	options := n.file.optionsFile
	if !r.roomFor(n, &options, &r.file.Defaults.optionsFile) {
		return &hyperscale.Request{}
	}
	options = options.over(&r.file.Defaults.optionsFile)
	out := &hyperscale.Request{
		Method: n.method.Text, URL: n.url.Text,
		Params:    sc.templates(options.Params),
		Headers:   r.headers(sc, options.Headers),
		Cookies:   r.cookies(sc, options.Cookies),
		Tags:      constants(options.Tags),
		Transport: r.transport(&options),
	}
	r.method(sc, n)
	r.url(sc, n)
	r.auth(sc, options.Auth, out)
	out.Body = r.body(sc, n)
	out.Compress = options.Compress.V.Word != "" && out.Body.Kind != hyperscale.BodyNone
	if n.file.Compress.Set && out.Body.Kind == hyperscale.BodyNone {
		r.Fault(n.file.KeyPos("compress"), "this request has no body to compress", "one of json, form, multipart, body or file")
	}
	out.Captures = r.captures(sc, n)
	out.Checks = r.checks(sc, n)
	return out
}

// mostPairs bounds the params, headers, cookies and tags of all requests
// together: defaults are put into each.
const mostPairs = 1_000_000

// roomFor counts the pairs of a request and refuses those that pass the bound.
func (r requestPart) roomFor(n *stepNode, own, base *optionsFile) bool {
	before := r.pairs
	for _, o := range []*optionsFile{own, base} {
		r.pairs += len(o.Params) + len(o.Headers) + len(o.Cookies) + len(o.Tags) + len(o.Resolve)
	}
	if r.pairs > mostPairs && before <= mostPairs {
		r.Fault(n.file.Pos(), fmt.Sprintf("with the defaults the requests have more than %d params, headers, cookies and tags", mostPairs), "fewer defaults")
	}
	return r.pairs <= mostPairs
}

// over gives the options with what they leave open taken from others.
func (o optionsFile) over(base *optionsFile) optionsFile {
	o.Params = merged(o.Params, base.Params, asWritten)
	o.Headers = merged(o.Headers, base.Headers, strings.ToLower)
	o.Cookies = merged(o.Cookies, base.Cookies, asWritten)
	o.Resolve = merged(o.Resolve, base.Resolve, strings.ToLower)
	o.Tags = merged(o.Tags, base.Tags, asWritten)
	if o.Auth == nil {
		o.Auth = base.Auth
	}
	inherit(&o.Compress, &base.Compress)
	inherit(&o.Timeout, &base.Timeout)
	inherit(&o.Redirects, &base.Redirects)
	inherit(&o.HTTP, &base.HTTP)
	inherit(&o.Connections, &base.Connections)
	inherit(&o.MaxBody, &base.MaxBody)
	inherit(&o.Proxy, &base.Proxy)
	switch {
	case o.TLS == nil:
		o.TLS = base.TLS
	case base.TLS != nil:
		own := *o.TLS
		own.over(base.TLS)
		o.TLS = &own
	}
	return o
}

// over takes what is left open from others. A certificate and its key go
// together.
func (t *tlsFile) over(base *tlsFile) {
	inherit(&t.Insecure, &base.Insecure)
	inherit(&t.CA, &base.CA)
	inherit(&t.ServerName, &base.ServerName)
	inherit(&t.Min, &base.Min)
	if !t.Cert.Set && !t.Key.Set {
		t.Cert, t.Key = base.Cert, base.Key
	}
}

// inherit takes a value that is left open from the base.
func inherit[T any](own, base *yamlfile.Value[T]) {
	if !own.Set {
		*own = *base
	}
}

// asWritten is the form of keys that differ as soon as they are written otherwise.
func asWritten(key string) string { return key }

// merged is the base's entries, those of own in place of those with the same
// key in its form, and then the rest of own.
func merged[T any](own, base yamlfile.Map[T], form func(key string) string) yamlfile.Map[T] {
	if len(base) == 0 || len(own) == 0 {
		return append(own, base...)
	}
	all := slices.Clone(base)
	at := make(map[string]int, len(base))
	for i, p := range base {
		at[form(p.Key)] = i
	}
	for _, p := range own {
		if i, ok := at[form(p.Key)]; ok {
			all[i] = p
		} else {
			all = append(all, p)
		}
	}
	return all
}

// templates reads a mapping of texts whose keys may be templates too.
func (s *scope) templates(m yamlfile.Map[template]) []hyperscale.Pair {
	var all []hyperscale.Pair
	for i := range m {
		s.keyTemplate(m[i].Key, m[i].Pos)
		s.template(&m[i].V)
		all = append(all, hyperscale.Pair{Name: m[i].Key, Value: m[i].V.Text})
	}
	return all
}

// keyTemplate checks the names of a key.
func (s *scope) keyTemplate(key string, pos yamlfile.Pos) {
	if !strings.Contains(key, "{{") {
		return
	}
	var t template
	t.DecodeYAML(&s.Decoder, &yamlfile.Node{Kind: yamlfile.Text, Pos: pos, Text: key})
	s.template(&t)
}

// isToken reports whether text is a token of RFC 9110, which names of headers and
// cookies and methods are.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, c)
	})
}

// isControl reports whether a character can't stand in a line of HTTP.
func isControl(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }

// headers reads headers.
func (r requestPart) headers(sc *scope, m yamlfile.Map[template]) []hyperscale.Pair {
	seen := map[string]bool{}
	for i := range m {
		h := &m[i]
		name := strings.ToLower(h.Key)
		at := Fault{Pos: h.Pos, Outside: h.V.Node == nil, From: h.V.From}
		switch {
		case !isToken(h.Key):
			at.What, at.Expected = fmt.Sprintf("%q can't be the name of a header", h.Key), "letters, digits and -"
		case name == "content-length" || name == "transfer-encoding":
			at.What, at.Expected = fmt.Sprintf("the header %s follows from the body", h.Key), "it left out"
		case seen[name]:
			at.What, at.Expected = fmt.Sprintf("the header %s stands here twice", h.Key), "each header once, values joined by commas"
		case h.V.constant() && strings.ContainsFunc(h.V.Text, isControl):
			at.What, at.Expected = fmt.Sprintf("the header %s has a line break or another control character", h.Key), "text in one line"
		}
		seen[name] = true
		if at.What != "" {
			r.Faults = append(r.Faults, at)
		}
	}
	return constantKeys(sc, m)
}

// cookies reads cookies.
func (r requestPart) cookies(sc *scope, m yamlfile.Map[template]) []hyperscale.Pair {
	for i := range m {
		if !isToken(m[i].Key) {
			r.Fault(m[i].Pos, fmt.Sprintf("%q can't be the name of a cookie", m[i].Key), "letters, digits and -")
		}
	}
	return constantKeys(sc, m)
}

// constantKeys reads a mapping of texts whose keys are constant.
func constantKeys(sc *scope, m yamlfile.Map[template]) []hyperscale.Pair {
	var all []hyperscale.Pair
	for i := range m {
		sc.template(&m[i].V)
		all = append(all, hyperscale.Pair{Name: m[i].Key, Value: m[i].V.Text})
	}
	return all
}

// method checks the method of a request.
func (r requestPart) method(sc *scope, n *stepNode) {
	sc.template(n.method)
	if n.file.Request == nil || !n.method.Set {
		return
	}
	text, known := r.names.constant(r.reader, n.method)
	switch {
	case !known:
		r.Fault(n.method.Pos(), "the method is known only while running", "a name such as GET, or a var that is constant")
	case !isToken(text):
		r.Fault(n.method.Pos(), fmt.Sprintf("%q can't be a method", text), "a name such as PURGE")
	}
}

// url checks the URL of a request: a path below the target, or an absolute one.
func (r requestPart) url(sc *scope, n *stepNode) {
	u := n.url
	sc.template(u)
	if !u.Set {
		return
	}
	text, known := u.Text, u.constant()
	if constant, ok := r.names.constant(r.reader, u); ok {
		text, known = constant, true
	}
	if !known && strings.HasPrefix(text, "{{") {
		maps.Copy(sc.flow.sets, r.names.target)
		return // only known while running
	}
	if f := r.badURL(sc, text, known); f.What != "" {
		f.Pos = u.Pos()
		r.Faults = append(r.Faults, f)
	}
}

// badURL says what is wrong with a URL, of which more may be known only while
// running.
func (r requestPart) badURL(sc *scope, text string, known bool) (f Fault) {
	absolute := strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
	switch {
	case strings.ContainsFunc(text, isControl):
		f.What, f.Expected = "a URL with a line break or another control character", "a URL in one line"
	case strings.HasPrefix(text, "/"):
		maps.Copy(sc.flow.sets, r.names.target)
		if !r.file.Target.Set {
			f.What, f.Expected = fmt.Sprintf("%q is a path, and the plan has no target", text), "target: http://HOST at the top, or an absolute URL here"
		}
	case !absolute:
		f.What, f.Expected = fmt.Sprintf("%q is no path and no URL", text), "/PATH, http://… or https://…"
		if !strings.Contains(text, ":") {
			f.Meant = "/" + text
		}
	case known:
		if parsed, err := url.Parse(text); err != nil || !hosted(parsed) {
			f.What, f.Expected = fmt.Sprintf("%q is no URL", text), "https://HOST/PATH"
		}
	}
	if f.What == "" && absolute {
		f.What, f.Expected = originFault(text)
	}
	return f
}

// originFault says what is wrong with the scheme, host and port of an absolute
// URL, as far as no template is in them.
func originFault(text string) (what, expected string) {
	_, rest, _ := strings.Cut(text, "://")
	if rest = rest[:endOutside(rest, "/?#")]; strings.Contains(rest, "{{") {
		return "", ""
	}
	parsed, err := url.Parse("http://" + rest)
	if err != nil || !hosted(parsed) {
		return fmt.Sprintf("%q is no URL", text), "https://HOST/PATH"
	}
	if what := wrongPort(parsed); what != "" {
		return what, portForm
	}
	return "", ""
}

// auth reads credentials.
func (r requestPart) auth(sc *scope, file *authFile, out *hyperscale.Request) {
	if file == nil {
		return
	}
	if file.Basic.Set == file.Bearer.Set {
		r.Fault(file.Pos(), "credentials are of one kind", "{basic: [USER, PASSWORD]} or {bearer: TOKEN}")
	}
	if file.Basic.Set {
		sc.template(&file.Basic.User)
		sc.template(&file.Basic.Password)
		out.BasicAuth = &hyperscale.Pair{Name: file.Basic.User.Text, Value: file.Basic.Password.Text}
	}
	if file.Bearer.Set {
		sc.template(&file.Bearer)
		out.BearerAuth = file.Bearer.Text
	}
}

// transport reads how a request travels.
func (r requestPart) transport(o *optionsFile) hyperscale.Transport {
	t := hyperscale.Transport{
		Timeout: defaultTimeout, Redirects: defaultRedirects, HTTP: 1, Connections: hyperscale.ConnPerVU,
		MaxBody: defaultMaxBody, Proxy: string(o.Proxy.V),
	}
	if o.Timeout.Set {
		t.Timeout = r.positive(&o.Timeout, "timeout")
	}
	if o.Redirects.Set {
		t.Redirects = int(o.Redirects.V)
		if o.Redirects.V < 0 || o.Redirects.V > mostRedirects {
			r.Fault(o.Redirects.Pos(), fmt.Sprintf("%d redirects can't be followed", o.Redirects.V), fmt.Sprintf("0 to %d", mostRedirects))
		}
	}
	if o.HTTP.Set {
		t.HTTP = int(o.HTTP.V)
	}
	if o.MaxBody.Set {
		t.MaxBody = int64(o.MaxBody.V)
	}
	if o.Connections.Set {
		t.Connections = hyperscale.ConnPolicy(o.Connections.V.Word)
	}
	if o.TLS != nil {
		if _, done := r.tlsOf[o.TLS]; !done {
			r.tlsOf[o.TLS] = r.tls(o.TLS)
		}
		t.TLS = r.tlsOf[o.TLS]
	}
	if o.Proxy.Set {
		if u, err := url.Parse(t.Proxy); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			r.Fault(o.Proxy.Pos(), fmt.Sprintf("%q is no proxy", t.Proxy), "http://HOST:PORT")
		} else {
			r.port(o.Proxy.Pos(), u)
		}
	}
	for i := range o.Resolve {
		if p := &o.Resolve[i]; !isAddress(string(p.V.V)) {
			r.Fault(p.V.Pos(), fmt.Sprintf("%q is no IP address", string(p.V.V)), "such as 127.0.0.1 or ::1")
		}
	}
	t.Resolve = constants(o.Resolve)
	return t
}

// tls reads the options of TLS and loads their files.
func (r requestPart) tls(file *tlsFile) hyperscale.TLS {
	t := hyperscale.TLS{Insecure: file.Insecure.V, ServerName: string(file.ServerName.V), Min: string(file.Min.V)}
	if file.CA.Set {
		t.CA = r.load(&file.CA)
		if len(t.CA) > 0 && !x509.NewCertPool().AppendCertsFromPEM(t.CA) {
			r.Fault(file.CA.Pos(), fmt.Sprintf("the file %s has no certificate", file.CA.V), "certificates as PEM")
		}
	}
	switch {
	case file.Cert.Set != file.Key.Set:
		r.Fault(file.Pos(), "a certificate and its key belong together", "both cert and key, or none")
	case file.Cert.Set:
		t.Cert, t.Key = r.load(&file.Cert), r.load(&file.Key)
		if _, err := tls.X509KeyPair(t.Cert, t.Key); err != nil && len(t.Cert) > 0 && len(t.Key) > 0 {
			r.Fault(file.Cert.Pos(), fmt.Sprintf("the certificate %s and the key %s can't be used: %v", file.Cert.V, file.Key.V, err), "a pair as PEM")
		}
	}
	return t
}
