package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hyperscale/internal/reporter"
)

// poster posts to one address.
type poster struct {
	client *http.Client
	url    *url.URL
	header http.Header // of all requests
	hint   func(status int) string
}

// newPoster posts to the address, as whoever the login says. scheme is how a
// token is called in the header.
func newPoster(at *url.URL, c login, scheme, version string) *poster {
	p := &poster{url: at, header: http.Header{}, hint: func(int) string { return "" }}
	p.header.Set("User-Agent", "hyperscale/"+version)
	switch {
	case c.token != "":
		p.header.Set("Authorization", scheme+" "+c.token)
	case c.user != "":
		r := http.Request{Header: p.header}
		r.SetBasicAuth(c.user, c.password)
	}
	p.client = &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Control: allowed}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second, MaxIdleConns: 2, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		},
		// Whoever answers with another place is not the one that was named.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p
}

// close lets connections go.
func (p *poster) close() { p.client.CloseIdleConnections() }

// mostAnswer bounds how much of an answer is read, in bytes.
const mostAnswer = 64 << 10

// post sends a body and gives the answer's. What the other side does not take, and
// never will, is of kind [reporter.ErrRefused].
func (p *poster) post(ctx context.Context, body []byte, header map[string]string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	req.Header = p.header.Clone()
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, p.unreached(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read as far as it counts
	answer, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err == nil || resp.StatusCode >= 300 {
		return answer, p.judge(resp, answer)
	}
	return nil, err
}

// unreached says which address was not reached, without what a URL may hide.
func (p *poster) unreached(err error) error {
	if err == nil {
		return nil
	}
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	err = fmt.Errorf("%s://%s: %w", p.url.Scheme, p.url.Host, err)
	if errors.Is(err, errForbidden) {
		return reporter.Refused("%w", err)
	}
	return err
}

// judge says what an answer means.
func (p *poster) judge(resp *http.Response, answer []byte) error {
	status := resp.StatusCode
	if status/100 == 2 {
		return nil
	}
	text := fmt.Sprintf("%s://%s%s answers %s", p.url.Scheme, p.url.Host, p.url.Path, resp.Status)
	if said := oneLine(string(answer)); said != "" {
		text += ": " + said
	}
	if hint := p.hint(status); hint != "" {
		text += " (" + hint + ")"
	}
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
	default:
		if status < 500 || status == http.StatusNotImplemented {
			return reporter.Refused("%s", text)
		}
	}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		return &reporter.Later{Err: errors.New(text), After: time.Duration(min(s, 3600)) * time.Second}
	}
	return errors.New(text)
}

// oneLine is the beginning of a text, fit for a message.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "�")), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}

// clean is text in UTF-8.
func clean(text string) string { return strings.ToValidUTF8(text, "�") }
