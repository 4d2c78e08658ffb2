package demo

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// The bounds of what a request can ask for.
const (
	maxDelay     = 10 * time.Minute
	maxRedirects = 100
	maxBytes     = 100 << 30
	maxEcho      = 1 << 20 // bytes of a body that /echo reads
	pages        = 20
	perPage      = 10
)

// smallJSON is the answer of the endpoints whose content does not matter.
const smallJSON = `{"ok":true,"service":"hyperscale demo","items":[1,2,3]}` + "\n"

// filler is what the bodies of /bytes are made of; it is not written to.
var filler = bytes.Repeat([]byte("hyperscale demo "), 4096)

func (t *Target) json(w http.ResponseWriter, _ *http.Request, _ string) {
	answer(w, http.StatusOK, jsonText, smallJSON)
}

func (t *Target) gzip(w http.ResponseWriter, _ *http.Request, _ string) {
	w.Header()["Content-Encoding"] = gzipped
	answer(w, http.StatusOK, jsonText, t.packed)
}

func compressed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text) // a buffer takes everything
	_ = z.Close()
	return b.String()
}

// products answers with one of 20 pages; a page beyond them is empty.
func (t *Target) products(w http.ResponseWriter, r *http.Request, _ string) {
	page, err := 1, error(nil)
	if text := r.URL.Query().Get("page"); text != "" {
		page, err = strconv.Atoi(text)
	}
	if err != nil || page < 1 {
		say(w, http.StatusBadRequest, "page must be a whole number above zero")
		return
	}
	body := t.pages[min(page, pages+1)-1]
	etag := `"page-` + strconv.Itoa(page) + `"`
	w.Header()["Etag"] = []string{etag}
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	answer(w, http.StatusOK, jsonText, body)
}

// productPages makes the pages and, last, the empty one.
func productPages() []string {
	var all []string
	for page := range pages {
		var b bytes.Buffer
		fmt.Fprintf(&b, `{"page":%d,"pages":%d,"items":[`, page+1, pages)
		for i := range perPage {
			n := page*perPage + i + 1
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"id":"p-%d","name":"Product %d","price":%d.99}`, n, n, 5+n*7%90)
		}
		b.WriteString("]}\n")
		all = append(all, b.String())
	}
	return append(all, fmt.Sprintf(`{"page":null,"pages":%d,"items":[]}`+"\n", pages))
}

func (t *Target) token(w http.ResponseWriter, r *http.Request, _ string) {
	drain(r)
	answerJSON(w, http.StatusOK, map[string]any{
		"access_token": fmt.Sprintf("demo-%016x", rand.Uint64()),
		"token_type":   "bearer",
		"expires_in":   3600,
	})
}

func (t *Target) cart(w http.ResponseWriter, r *http.Request, _ string) {
	drain(r)
	body := append([]byte(`{"result":"ok","order":`), strconv.AppendInt(nil, t.orders.Add(1), 10)...)
	answer(w, http.StatusCreated, jsonText, string(body)+"}\n")
}

// drain reads a body whose content does not matter, so that the connection can
// be used again; a client that fails to send it learns that by itself.
func drain(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }

func (t *Target) delay(w http.ResponseWriter, r *http.Request, rest string) {
	ms, err := strconv.ParseInt(rest, 10, 64)
	if err != nil || ms < 0 || ms > maxDelay.Milliseconds() {
		say(w, http.StatusBadRequest, "delay must be 0 to 600000 milliseconds")
		return
	}
	if pause(r, time.Duration(ms)*time.Millisecond) {
		say(w, http.StatusOK, "answered after "+rest+" ms")
	}
}

// stall answers at once, but from the 9th to the 10th second of every ten
// since the target was made it answers nothing until they are over.
func (t *Target) stall(w http.ResponseWriter, r *http.Request, _ string) {
	const period, from = 10 * time.Second, 9 * time.Second
	if at := time.Since(t.since) % period; at >= from && !pause(r, period-at) {
		return
	}
	answer(w, http.StatusOK, jsonText, smallJSON)
}

// pause waits and reports whether the request is still wanted.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (t *Target) status(w http.ResponseWriter, _ *http.Request, rest string) {
	code, err := strconv.Atoi(rest)
	switch {
	case err != nil || code < 200 || code > 599:
		say(w, http.StatusBadRequest, "status must be 200 to 599")
	case code == http.StatusNoContent || code == http.StatusNotModified:
		w.WriteHeader(code)
	default:
		say(w, code, rest+" "+http.StatusText(code))
	}
}

func (t *Target) error(w http.ResponseWriter, r *http.Request, _ string) {
	rate := 0.1
	if text := r.URL.Query().Get("rate"); text != "" {
		var err error
		if rate, err = strconv.ParseFloat(text, 64); err != nil || !(rate >= 0 && rate <= 1) {
			say(w, http.StatusBadRequest, "rate must be 0 to 1")
			return
		}
	}
	if rand.Float64() < rate {
		say(w, http.StatusInternalServerError, "failed, as asked")
		return
	}
	answer(w, http.StatusOK, jsonText, smallJSON)
}

func (t *Target) echo(w http.ResponseWriter, r *http.Request, _ string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEcho))
	if err != nil {
		say(w, http.StatusRequestEntityTooLarge, "the body is cut short or above 1 MiB")
		return
	}
	headers := make(map[string]string, len(r.Header)+1)
	headers["Host"] = r.Host
	for name, values := range r.Header {
		headers[name] = values[0]
	}
	answerJSON(w, http.StatusOK, map[string]any{
		"method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery,
		"protocol": r.Proto, "headers": headers, "body": string(body),
	})
}

// cookie gives a newcomer a session and counts the visits it brings back.
func (t *Target) cookie(w http.ResponseWriter, r *http.Request, _ string) {
	session, visits := fmt.Sprintf("%08x", rand.Uint32()), 1
	if c, err := r.Cookie("session"); err == nil {
		session = c.Value
	}
	if c, err := r.Cookie("visits"); err == nil {
		if n, err := strconv.Atoi(c.Value); err == nil && n >= 0 && n < 1<<30 {
			visits = n + 1
		}
	}
	http.SetCookie(w, &http.Cookie{Name: "session", Value: session, Path: "/"})
	http.SetCookie(w, &http.Cookie{Name: "visits", Value: strconv.Itoa(visits), Path: "/"})
	answerJSON(w, http.StatusOK, map[string]any{"session": session, "visits": visits})
}

func (t *Target) redirect(w http.ResponseWriter, _ *http.Request, rest string) {
	n, err := strconv.Atoi(rest)
	switch {
	case err != nil || n < 0 || n > maxRedirects:
		say(w, http.StatusBadRequest, "redirects must be 0 to 100")
	case n == 0:
		say(w, http.StatusOK, "arrived")
	default:
		w.Header().Set("Location", "/redirect/"+strconv.Itoa(n-1))
		say(w, http.StatusFound, strconv.Itoa(n)+" to go")
	}
}

func (t *Target) bytes(w http.ResponseWriter, r *http.Request, rest string) {
	n, err := strconv.ParseInt(rest, 10, 64)
	if err != nil || n < 0 || n > maxBytes {
		say(w, http.StatusBadRequest, "bytes must be 0 to 107374182400")
		return
	}
	w.Header()["Content-Type"] = octets
	w.Header()["Content-Length"] = []string{strconv.FormatInt(n, 10)}
	if r.Method == http.MethodHead {
		return
	}
	for n > 0 {
		part, err := w.Write(filler[:min(n, int64(len(filler)))])
		if err != nil {
			return // the client went away
		}
		n -= int64(part)
	}
}
