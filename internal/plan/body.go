package plan

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"hyperscale"
	"hyperscale/internal/expr"
	"hyperscale/internal/plan/yamlfile"
)

// body reads the body of a request: at most one kind.
func (r requestPart) body(sc *scope, n *stepNode) hyperscale.Body {
	f := &n.file.bodyFile
	var found []string
	for _, key := range yamlfile.KeysOf[bodyFile]() {
		if n.file.Has(key) {
			found = append(found, key)
		}
	}
	for _, more := range found[min(1, len(found)):] {
		r.Fault(n.file.KeyPos(more), fmt.Sprintf("%q beside %q: a request has one body", more, found[0]), "one of json, form, multipart, body or file")
	}
	switch {
	case len(found) == 0:
		return hyperscale.Body{}
	case f.JSON.Node != nil:
		return hyperscale.Body{Kind: hyperscale.BodyJSON, JSON: sc.json(f.JSON.Node)}
	case f.Form != nil:
		b := hyperscale.Body{Kind: hyperscale.BodyForm}
		for _, p := range sc.templates(f.Form) {
			b.Fields = append(b.Fields, hyperscale.Field{Name: p.Name, Value: p.Value})
		}
		return b
	case f.Multipart != nil:
		return hyperscale.Body{Kind: hyperscale.BodyMultipart, Fields: r.parts(sc, f.Multipart)}
	case f.Body.Set:
		sc.template(&f.Body)
		return hyperscale.Body{Kind: hyperscale.BodyText, Text: f.Body.Text}
	}
	return hyperscale.Body{Kind: hyperscale.BodyFile, File: hyperscale.File{Path: f.File.V, Content: r.load(&f.File)}}
}

// parts reads the fields of a multipart form.
func (r requestPart) parts(sc *scope, m yamlfile.Map[partFile]) []hyperscale.Field {
	var all []hyperscale.Field
	for i := range m {
		field := hyperscale.Field{Name: m[i].Key}
		if strings.Contains(m[i].Key, "{{") {
			r.Fault(m[i].Pos, "a template can't stand here", "a name that is known before the start")
		}
		if file := m[i].V.File; file != nil {
			field.File = hyperscale.File{Path: file.File.V, Type: file.Type.V, Content: r.load(&file.File)}
		} else {
			sc.template(&m[i].V.Text)
			field.Value = m[i].V.Text.Text
		}
		all = append(all, field)
	}
	return all
}

// json gives a document as JSON text and checks the templates in its strings. A
// text that is an object or array of JSON is taken as that.
func (s *scope) json(n *yamlfile.Node) string {
	if n.Kind == yamlfile.Text {
		if text := strings.TrimSpace(n.Text); strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
			s.jsonText(n, text)
			return text
		}
	}
	var b strings.Builder
	s.writeJSON(&b, n)
	return b.String()
}

// jsonText checks a document that is written as JSON in a text.
func (s *scope) jsonText(n *yamlfile.Node, text string) {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		s.Fault(n.Pos, "the text is no JSON: "+err.Error(), "JSON whose templates stand in strings, or body: TEXT")
		return
	}
	inner, faults := yamlfile.Parse([]byte(text))
	if len(faults) > 0 || inner == nil {
		s.Fault(n.Pos, "the text is no JSON that can be taken", "a mapping or list of YAML")
		return
	}
	before := len(s.Faults)
	s.writeJSON(&strings.Builder{}, inner)
	for i := before; i < len(s.Faults); i++ {
		s.Faults[i].Pos = n.Pos // places within the text are not those of the file
	}
}

// writeJSON writes a node as JSON.
func (s *scope) writeJSON(b *strings.Builder, n *yamlfile.Node) {
	switch n.Kind {
	case yamlfile.Null:
		b.WriteString("null")
	case yamlfile.Bool:
		b.WriteString(strings.ToLower(n.Text))
	case yamlfile.Int, yamlfile.Float:
		b.WriteString(s.number(n))
	case yamlfile.Text:
		s.jsonTemplate(n.Text, n)
		b.WriteString(quotedJSON(n.Text))
	case yamlfile.List:
		b.WriteByte('[')
		for i, item := range n.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			s.writeJSON(b, item)
		}
		b.WriteByte(']')
	case yamlfile.Mapping:
		b.WriteByte('{')
		for i, e := range n.Entries {
			if i > 0 {
				b.WriteByte(',')
			}
			s.keyTemplate(e.Key, e.Pos)
			b.WriteString(quotedJSON(e.Key) + ":")
			s.writeJSON(b, e.Value)
		}
		b.WriteByte('}')
	}
}

// jsonTemplate checks a string of a document.
func (s *scope) jsonTemplate(text string, n *yamlfile.Node) {
	if !strings.Contains(text, "{{") {
		return
	}
	var t template
	t.DecodeYAML(&s.Decoder, n)
	s.template(&t)
}

// quotedJSON is text as a JSON string. What only matters in HTML stays as it is.
func quotedJSON(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic("text can't be written as JSON: " + err.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// number is a number as JSON writes it: as it stands in the file if that is JSON.
func (s *scope) number(n *yamlfile.Node) string {
	if json.Valid([]byte(n.Text)) {
		return n.Text
	}
	text := strings.TrimLeft(strings.TrimPrefix(n.Text, "+"), "0")
	if n.Kind == yamlfile.Int {
		if v, err := strconv.ParseInt(strings.TrimPrefix(n.Text, "+"), 0, 64); err == nil && strings.ContainsAny(n.Text, "xo") {
			return strconv.FormatInt(v, 10)
		}
		if text == "" {
			return "0"
		}
		if json.Valid([]byte(text)) {
			return text
		}
	}
	if v, err := strconv.ParseFloat(n.Text, 64); err == nil {
		if text, err := json.Marshal(v); err == nil {
			return string(text)
		}
	}
	s.Fault(n.Pos, n.Text+" is no number of JSON", "digits, or it in quotes")
	return "null"
}

// captures reads what is taken out of the answer.
func (r requestPart) captures(sc *scope, n *stepNode) []hyperscale.Capture {
	var all []hyperscale.Capture
	for i := range n.file.Capture {
		c := &n.file.Capture[i]
		r.newName(c.Key, Fault{Pos: c.Pos})
		out := c.V.Capture
		out.Name = c.Key
		all = append(all, out)
	}
	return all
}

// checks reads what the answer must be like.
func (r requestPart) checks(sc *scope, n *stepNode) []hyperscale.Check {
	f := n.file.Check
	if f == nil {
		return nil
	}
	var all []hyperscale.Check
	if f.Status.Set {
		all = append(all, hyperscale.Check{Kind: hyperscale.CheckStatus, Name: "status", Statuses: f.Status.V})
	}
	if f.Time.Set {
		all = append(all, hyperscale.Check{Kind: hyperscale.CheckTime, Name: "time", Op: f.Time.V.Op, Number: f.Time.V.Number})
	}
	if f.Size.Set {
		all = append(all, hyperscale.Check{Kind: hyperscale.CheckSize, Name: "size", Op: f.Size.V.Op, Number: f.Size.V.Number})
	}
	if f.Body != nil {
		all = append(all, r.bodyChecks(sc, f.Body)...)
	}
	for i := range f.Headers {
		h := &f.Headers[i]
		sc.template(&h.V)
		c := hyperscale.Check{Kind: hyperscale.CheckHeader, Arg: h.Key, Op: "==", Value: h.V.Text, Name: fmt.Sprintf("header %s == %q", h.Key, h.V.Text)}
		if h.V.Text == "present" {
			c.Op, c.Value, c.Name = "present", "", fmt.Sprintf("header %s present", h.Key)
		}
		all = append(all, c)
	}
	return all
}

// bodyChecks reads what the body must be like.
func (r requestPart) bodyChecks(sc *scope, f *bodyCheckFile) []hyperscale.Check {
	var all []hyperscale.Check
	for _, c := range []struct {
		kind hyperscale.CheckKind
		want *template
	}{
		{hyperscale.CheckContains, &f.Contains}, {hyperscale.CheckNotContains, &f.NotContains},
		{hyperscale.CheckEquals, &f.Equals}, {hyperscale.CheckMatches, &f.Matches},
	} {
		if !c.want.Set {
			continue
		}
		sc.template(c.want)
		all = append(all, hyperscale.Check{Kind: c.kind, Name: fmt.Sprintf("body %s %q", c.kind, c.want.Text), Value: c.want.Text})
	}
	r.pattern(&f.Matches)
	for i := range f.JSON {
		j := &f.JSON[i]
		_, err := expr.ParseJSONPath(j.Key)
		r.Wrong(&yamlfile.Node{Pos: j.Pos}, err)
		if j.V.V.Parsed == nil {
			continue
		}
		places := j.V.Node.Places()
		for _, ref := range j.V.V.Parsed.Names() {
			sc.name(ref, Fault{Pos: places(ref.Offset)})
		}
		c := j.V.V.Parsed
		op := c.Op().String()
		all = append(all, hyperscale.Check{
			Kind: hyperscale.CheckJSON, Arg: j.Key, Op: op, Value: c.Wanted(), Name: fmt.Sprintf("body json %s %s", j.Key, c),
		})
	}
	return all
}

// pattern checks a regular expression, which has to be known before the start.
func (r requestPart) pattern(t *template) {
	if !t.Set || t.Parsed == nil {
		return
	}
	text, known := r.names.constant(r.reader, t)
	if !known {
		r.Fault(t.Pos(), "the pattern is known only while running", "text, vars and env alone")
		return
	}
	if _, err := expr.NewCapture("regex", text, nil); err != nil {
		r.Wrong(t.Node, err)
	}
}
