package plan

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hyperscale"
)

// Text is the plan that equals the quick run, as YAML with comments. The error
// names the flag that is wrong, or those that contradict each other.
func (q Quick) Text() (string, error) {
	t, err := q.plan()
	if err != nil {
		return "", err
	}
	return t.String(), nil
}

// plan is Text with what each line is from.
func (q Quick) plan() (*planText, error) {
	if err := q.checkText(); err != nil {
		return nil, err
	}
	target, path, err := splitURL(q.URL)
	if err != nil {
		return nil, err
	}
	load, err := q.Load.read(q.Scale)
	if err != nil {
		return nil, err
	}
	loadLines, err := load.lines()
	if err != nil {
		return nil, err
	}
	q.Load.from(loadLines)
	step, err := q.step(path)
	if err != nil {
		return nil, err
	}
	head, err := q.head(target)
	if err != nil {
		return nil, err
	}
	defaults, err := q.defaults()
	if err != nil {
		return nil, err
	}
	t := &planText{from: map[int]string{}}
	t.write("# A quick run as a plan: `hyperscale plan FILE` checks and explains it, `hyperscale run FILE` runs it.\n\n", "")
	t.lines("", head)
	t.section("defaults", "", "of every request that has none of its own", defaults)
	t.section("vars", "", "", pairLines("var", q.Vars))
	t.section("tags", "", "", pairLines("tag", q.Tags))
	t.write("\nworkflows:\n  main:\n    load:\n", "")
	t.lines("      ", loadLines)
	t.write("    steps:\n", "")
	t.list("      - ", step)
	t.thresholds(q.Thresholds)
	return t, nil
}

// planText is a plan's text while it is written.
type planText struct {
	strings.Builder
	line int            // number of the last line
	from map[int]string // by line, the flag with its value that it is from
}

// write writes whole lines and notes what they are from.
func (t *planText) write(text, from string) {
	t.WriteString(text)
	for range strings.Count(text, "\n") {
		t.line++
		if from != "" {
			t.from[t.line] = from
		}
	}
}

// list writes keys as an item of a list, after its dash.
func (t *planText) list(dash string, lines []planLine) {
	for _, l := range lines {
		t.lines(dash, []planLine{l})
		dash = strings.Repeat(" ", len(dash))
	}
}

// commentColumn is where the comments behind values begin, if there is room.
const commentColumn = 32

// lines writes keys of one mapping, each after the indent.
func (t *planText) lines(indent string, lines []planLine) {
	for _, l := range lines {
		text := indent + l.key + ":"
		if l.value != "" && l.value[0] != '\n' {
			text += " "
		}
		text += l.value
		if l.comment != "" {
			text += strings.Repeat(" ", max(commentColumn-utf8.RuneCountInString(text), 1)) + "# " + l.comment
		}
		t.write(text+"\n", l.from)
	}
}

// section writes a mapping unless it is empty.
func (t *planText) section(key, indent, comment string, lines []planLine) {
	if len(lines) == 0 {
		return
	}
	t.write("\n", "")
	t.lines(indent, []planLine{{key: key, comment: comment}})
	t.lines(indent+"  ", lines)
}

// checkText refuses what has no place in a YAML file.
func (q Quick) checkText() error {
	texts := slices.Concat([]string{q.URL}, q.Headers, q.Thresholds, q.Vars, q.Tags)
	if !utf8.ValidString(strings.Join(texts, "")) {
		return errors.New("the URL, a header, threshold, variable or tag is not in UTF-8")
	}
	if q.Body != nil && !utf8.ValidString(*q.Body) {
		return errors.New("-b: the body is not in UTF-8; expected it in a file: -b @FILE")
	}
	return nil
}

// head is the keys of the whole plan.
func (q Quick) head(target string) ([]planLine, error) {
	_, host, _ := strings.Cut(target, "://")
	lines := []planLine{
		{key: "name", value: yamlText(host[strings.LastIndex(host, "@")+1:]), from: q.URL},
		{key: "target", value: yamlText(target), from: q.URL},
	}
	if q.Seed != "" {
		if _, err := parseSeed(q.Seed); err != nil {
			return nil, wrongSetting("seed", q.Seed, err)
		}
		lines = append(lines, planLine{"seed", q.Seed, "of all random draws", flagText("seed", q.Seed)})
	}
	if q.Deadline == "" {
		return lines, nil
	}
	var deadline time.Duration
	if err := durationInto(&deadline)(q.Deadline); err != nil {
		return nil, wrongSetting("deadline", q.Deadline, err)
	}
	return append(lines, planLine{"deadline", hyperscale.FormatDuration(deadline), "of the whole run", flagText("deadline", q.Deadline)}), nil
}

// defaults is the options of requests.
func (q Quick) defaults() (lines []planLine, err error) {
	if q.Timeout != "" {
		var timeout time.Duration
		if err := durationInto(&timeout)(q.Timeout); err != nil {
			return nil, wrongSetting("timeout", q.Timeout, err)
		}
		lines = append(lines, planLine{"timeout", hyperscale.FormatDuration(timeout), "from name lookup to last byte", flagText("timeout", q.Timeout)})
	}
	if q.HTTP2 {
		lines = append(lines, planLine{"http", "2", "of cleartext too (h2c), without asking", "--http2"})
	}
	if q.Insecure {
		lines = append(lines, planLine{"tls", "{insecure: true}", "any certificate is accepted", flagName("insecure")})
	}
	return lines, nil
}

// pairLines are NAME=VALUE as keys.
func pairLines(setting string, pairs []string) (lines []planLine) {
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		lines = append(lines, planLine{key: yamlText(name), value: yamlText(value), from: flagText(setting, p)})
	}
	return lines
}

// methodVerbs are the methods that are keys of steps.
var methodVerbs = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

// step is the only step.
func (q Quick) step(path string) ([]planLine, error) {
	method := strings.ToUpper(q.Method)
	switch {
	case method == "" && q.Body != nil:
		method = "POST"
	case method == "":
		method = "GET"
	case !isToken(method):
		return nil, wrongSetting("method", q.Method, notThat("it is no method", "such as GET, POST or PURGE"))
	}
	var lines []planLine
	if bare, _, hasQuery := strings.Cut(path, "?"); hasQuery {
		lines = append(lines, planLine{key: "name", value: yamlText(method + " " + bare), from: q.URL})
	}
	if slices.Contains(methodVerbs, method) {
		lines = append(lines, planLine{key: strings.ToLower(method), value: yamlText(path), from: q.URL})
	} else {
		lines = append(lines, planLine{key: "request"},
			planLine{key: "  method", value: method, from: flagText("method", q.Method)}, planLine{key: "  url", value: yamlText(path), from: q.URL})
	}
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	headers, err := q.headers()
	if err != nil {
		return nil, err
	}
	if len(headers) > 0 {
		lines = append(lines, planLine{key: "headers"})
	}
	return slices.Concat(lines, headers, body), nil
}

// body is the body of the request.
func (q Quick) body() ([]planLine, error) {
	if q.Body == nil {
		return nil, nil
	}
	path, isFile := strings.CutPrefix(*q.Body, "@")
	from := flagText("body", *q.Body)
	switch {
	case !isFile:
		return []planLine{{key: "body", value: yamlText(*q.Body), from: from}}, nil
	case path == "":
		return nil, wrongSetting("body", *q.Body, notThat("it names no file", "-b @FILE, or the text of the body"))
	}
	return []planLine{{key: "file", value: yamlText(path), from: from}}, nil
}

// onceOnly are the headers that a request has once.
var onceOnly = []string{"authorization", "content-type", "host", "user-agent", "referer", "content-length", "expect", "range", "date"}

// headers is the headers of the request. One that is given several times becomes
// one with all the values in it, which means the same (RFC 9110, 5.3; of cookies
// RFC 6265, 5.4).
func (q Quick) headers() (lines []planLine, err error) {
	place := map[string]int{}
	var values [][]string
	for _, text := range q.Headers {
		name, value, ok := strings.Cut(text, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || !isToken(name) || strings.ContainsFunc(value, unicode.IsControl) {
			return nil, wrongSetting("header", text, notThat("it is no header", `"NAME: VALUE"`))
		}
		lower := strings.ToLower(name)
		i, again := place[lower]
		if again && slices.Contains(onceOnly, lower) {
			return nil, wrongSetting("header", text, notThat("a request has only one "+lower, "it once"))
		}
		if !again {
			i = len(lines)
			place[lower] = i
			lines, values = append(lines, planLine{key: "  " + yamlText(name), from: flagText("header", text)}), append(values, nil)
		}
		values[i] = append(values[i], value)
	}
	for i := range lines {
		separator := ", "
		if strings.EqualFold(lines[i].key, "  cookie") {
			separator = "; "
		}
		lines[i].value = yamlText(strings.Join(values[i], separator))
	}
	return lines, nil
}

// thresholds writes the thresholds, or how they would be written.
func (t *planText) thresholds(thresholds []string) {
	if len(thresholds) == 0 {
		t.write("\n# thresholds:                    # conditions on the results that decide pass or fail\n#   - p95 < 300ms\n#   - errors < 1%\n", "")
		return
	}
	t.write("\nthresholds:\n", "")
	for _, text := range thresholds {
		from, scope := flagText("threshold", text), ""
		if at := strings.LastIndex(text, ": "); at >= 0 {
			scope, text = yamlText(text[:at])+": ", text[at+2:]
		}
		t.write("  - "+scope+yamlText(text)+"\n", from)
	}
}

// splitURL divides a URL into the target of a plan and the path of a step, with
// its query. The fragment, which is never sent, goes.
func splitURL(text string) (target, path string, err error) {
	scheme, rest, ok := strings.Cut(text, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" {
		return "", "", fmt.Errorf("%q is no URL; expected http://HOST[:PORT]/PATH or https://…", text)
	}
	end := endOutside(rest, "/?#")
	target, path = scheme+"://"+rest[:end], rest[end:]
	path = path[:endOutside(path, "#")]
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if strings.Contains(target, "{{") {
		return target, path, nil
	}
	u, err := url.Parse(target)
	if err != nil || !hosted(u) {
		return "", "", fmt.Errorf("%q has no host that can be reached; expected http://HOST[:PORT]/PATH", text)
	}
	if what := wrongPort(u); what != "" {
		return "", "", fmt.Errorf("%q: %s; expected %s", text, what, portForm)
	}
	return target, path, nil
}

// endOutside is the offset of the first of the bytes that is not in a template,
// or the end of the text.
func endOutside(text, bytes string) int {
	for i := 0; i < len(text); i++ {
		if strings.HasPrefix(text[i:], "{{") {
			end := strings.Index(text[i:], "}}")
			if end < 0 {
				break
			}
			i += end + 1
			continue
		}
		if strings.IndexByte(bytes, text[i]) >= 0 {
			return i
		}
	}
	return len(text)
}

// yamlText writes text as a value or key of a block mapping: without quotes
// where that means the same and looks like text.
func yamlText(text string) string {
	switch {
	case looksLikeText(text):
		return text
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return escapedText(text)
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// escapedText writes text in double quotes. The escapes of YAML have the same
// meaning as Go's but for bytes, which are characters there.
func escapedText(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// looksLikeText reports whether text needs no quotes in a block mapping.
func looksLikeText(text string) bool {
	switch strings.ToLower(text) {
	case "", "true", "false", "null", "yes", "no", "on", "off":
		return false
	}
	first, _ := utf8.DecodeRuneInString(text)
	return (first == '/' || unicode.IsLetter(first)) &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) &&
		!strings.Contains(text, ": ") && !strings.Contains(text, " #") &&
		!strings.HasSuffix(text, ":") && !strings.HasSuffix(text, " ")
}
