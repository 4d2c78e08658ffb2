package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"hyperscale"
	"hyperscale/internal/expr"
)

// body is a body, compiled: bound, or content when it is known before the start.
type body struct {
	mediaType string
	bound     *expr.Bound
	content   []byte
}

// compileBody compiles a body; nil for none.
func compileBody(r *resolver, b *hyperscale.Body) (*body, error) {
	switch b.Kind {
	case hyperscale.BodyJSON:
		bound, err := jsonBody(r, b.JSON)
		return newBody("json", "application/json", bound, err)
	case hyperscale.BodyForm:
		bound, err := formBody(r, b.Fields)
		return newBody("form", "application/x-www-form-urlencoded", bound, err)
	case hyperscale.BodyMultipart:
		boundary := boundary(r)
		bound, err := multipartBody(r, b.Fields, boundary)
		return newBody("multipart", "multipart/form-data; boundary="+boundary, bound, err)
	case hyperscale.BodyText:
		bound, err := r.template(b.Text)
		return newBody("body", "text/plain; charset=utf-8", bound, err)
	case hyperscale.BodyFile:
		return &body{mediaType: fileType(&b.File), content: b.File.Content}, checkType(&b.File)
	}
	return nil, nil
}

// newBody makes a body of what was compiled.
func newBody(what, mediaType string, bound *expr.Bound, err error) (*body, error) {
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if text, known := bound.Constant(); known {
		return &body{mediaType: mediaType, content: []byte(text)}, nil
	}
	return &body{mediaType: mediaType, bound: bound}, nil
}

// jsonBody compiles a JSON text: every string in it is a template.
func jsonBody(r *resolver, text string) (*expr.Bound, error) {
	if !json.Valid([]byte(text)) {
		return nil, errors.New("the body is not JSON")
	}
	var all []*expr.Bound
	for {
		open := strings.IndexByte(text, '"')
		if open < 0 {
			return expr.Join(append(all, expr.Text(text))...), nil
		}
		end := stringEnd(text, open)
		all = append(all, expr.Text(text[:open]))
		isKey := strings.HasPrefix(strings.TrimLeft(text[end:], " \t\r\n"), ":")
		bound, err := jsonString(r, text[open:end], isKey)
		if err != nil {
			return nil, err
		}
		all = append(all, bound)
		text = text[end:]
	}
}

// stringEnd is where the JSON string ends that opens there.
func stringEnd(text string, open int) int {
	for i := open + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// jsonString compiles one string with its quotes. A key stays a string; a value
// that is exactly one template takes its value's type.
func jsonString(r *resolver, quoted string, isKey bool) (*expr.Bound, error) {
	if !strings.Contains(quoted, "{{") {
		return expr.Text(quoted), nil
	}
	var text string
	if err := json.Unmarshal([]byte(quoted), &text); err != nil {
		return nil, fmt.Errorf("%s: %w", quoted, err)
	}
	bound, err := r.template(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", quoted, err)
	}
	if isKey {
		return expr.Join(expr.Text(`"`), bound.Escaped(expr.JSON), expr.Text(`"`)), nil
	}
	return bound.AsJSON(), nil
}

// formBody compiles fields as application/x-www-form-urlencoded.
func formBody(r *resolver, fields []hyperscale.Field) (*expr.Bound, error) {
	pairs := make([]hyperscale.Pair, len(fields))
	for i, f := range fields {
		pairs[i] = hyperscale.Pair{Name: f.Name, Value: f.Value}
	}
	bound, err := r.joined(pairs, expr.Form)
	if bound == nil && err == nil {
		bound = expr.Text("")
	}
	return bound, err
}

// boundary makes the line that parts a multipart body, by draw: the same in every
// run of the plan.
func boundary(r *resolver) string {
	site := r.Site()
	return fmt.Sprintf("hyperscale-%016x%016x", r.p.source.Draw(0, 0, uint64(site)<<32), r.p.source.Draw(0, 0, uint64(site)<<32|1))
}

// multipartBody compiles fields as multipart/form-data (RFC 7578).
func multipartBody(r *resolver, fields []hyperscale.Field, boundary string) (*expr.Bound, error) {
	var all []*expr.Bound
	for _, f := range fields {
		name, err := r.template(f.Name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		known, ok := name.Constant()
		if !ok {
			return nil, fmt.Errorf("%s: expected a name that is known before the start", f.Name)
		}
		head := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + inQuotes(known) + "\""
		value := expr.Text(string(f.File.Content))
		if f.File.Path != "" {
			if err := checkType(&f.File); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
			head += "; filename=\"" + inQuotes(path.Base(slashes(f.File.Path))) + "\"\r\nContent-Type: " + fileType(&f.File)
		} else if value, err = r.template(f.Value); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		all = append(all, expr.Text(head+"\r\n\r\n"), value, expr.Text("\r\n"))
	}
	return expr.Join(append(all, expr.Text("--"+boundary+"--\r\n"))...), nil
}

// inQuotes escapes what would end a quoted name (HTML: multipart/form-data
// encoding algorithm).
func inQuotes(name string) string {
	return strings.NewReplacer("\n", "%0A", "\r", "%0D", `"`, "%22").Replace(name)
}

// slashes makes a path of any system one with slashes.
func slashes(name string) string { return strings.ReplaceAll(name, `\`, "/") }

// fileTypes are media types by the ending of a file's name. They are ours so that
// every machine sends the same.
var fileTypes = map[string]string{
	".avif": "image/avif", ".bin": "application/octet-stream", ".bmp": "image/bmp", ".css": "text/css; charset=utf-8",
	".csv": "text/csv; charset=utf-8", ".gif": "image/gif", ".gz": "application/gzip", ".htm": "text/html; charset=utf-8",
	".html": "text/html; charset=utf-8", ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".js": "text/javascript; charset=utf-8",
	".json": "application/json", ".md": "text/markdown; charset=utf-8", ".mp3": "audio/mpeg", ".mp4": "video/mp4",
	".ndjson": "application/x-ndjson", ".pdf": "application/pdf", ".png": "image/png", ".svg": "image/svg+xml",
	".tar": "application/x-tar", ".txt": "text/plain; charset=utf-8", ".wasm": "application/wasm", ".wav": "audio/wav",
	".webm": "video/webm", ".webp": "image/webp", ".xml": "application/xml", ".yaml": "application/yaml",
	".yml": "application/yaml", ".zip": "application/zip",
}

// fileType is the media type of a file.
func fileType(f *hyperscale.File) string {
	if f.Type != "" {
		return f.Type
	}
	if known, ok := fileTypes[strings.ToLower(path.Ext(slashes(f.Path)))]; ok {
		return known
	}
	return "application/octet-stream"
}

// checkType refuses a media type that would break the head.
func checkType(f *hyperscale.File) error {
	if hasControl([]byte(f.Type)) {
		return fmt.Errorf("the type of %s holds a control character", f.Path)
	}
	return nil
}
