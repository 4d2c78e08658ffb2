package session

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
)

// Scratch is memory that is used within one Step. Sessions that are stepped by
// one goroutine may share it. The zero value is ready to use.
type Scratch struct {
	text    []byte // of one template
	head    []byte // of a redirected request
	key     []byte
	origins map[string]*Origin // met while running

	packer   *gzip.Writer
	inflate  inflaters
	unpacked [2][]byte // by turns, where content was encoded more than once
}

// scratch gives the session's scratch.
func (s *Session) scratch() *Scratch {
	if s.Scratch == nil {
		s.Scratch = &Scratch{}
	}
	return s.Scratch
}

// pack appends content, gzip-compressed.
func (sc *Scratch) pack(dst, content []byte) []byte {
	buffer := bytes.NewBuffer(dst)
	if sc.packer == nil {
		sc.packer = gzip.NewWriter(buffer)
	} else {
		sc.packer.Reset(buffer)
	}
	// A buffer takes everything: there is no error.
	_, _ = sc.packer.Write(content)
	_ = sc.packer.Close()
	return buffer.Bytes()
}

// inflaters are readers of compressed content, kept because they are big.
type inflaters struct {
	gzip  *gzip.Reader
	zlib  io.ReadCloser
	flate io.ReadCloser
}

// mostEncodings is how many times content may have been encoded.
const mostEncodings = 4

// unpack undoes the encodings of content, given as in a Content-Encoding header.
// More than limit bytes are body too large, what cannot be undone is a malformed
// answer. The content is valid until the next unpack.
func (sc *Scratch) unpack(encodings, content []byte, limit int64) (out []byte, fault FaultCode, why string) {
	names := bytes.Split(encodings, []byte(","))
	if len(names) > mostEncodings {
		return nil, MalformedAnswer, "content-encoding: too many encodings"
	}
	for i := len(names) - 1; i >= 0; i-- {
		name := string(bytes.ToLower(bytes.TrimSpace(names[i])))
		if name == "" || name == "identity" {
			continue
		}
		var err error
		content, err = sc.unpackOne(i%2, name, content, limit)
		switch {
		case errors.Is(err, errTooLarge):
			return nil, BodyTooLarge, ""
		case err != nil:
			return nil, MalformedAnswer, "content-encoding " + clip(name) + ": " + err.Error()
		}
	}
	return content, NoFault, ""
}

var (
	errTooLarge = errors.New("larger than max-body")
	errUnknown  = errors.New("not known here")
)

// unpackOne undoes one encoding.
func (sc *Scratch) unpackOne(room int, name string, content []byte, limit int64) ([]byte, error) {
	reader, err := sc.inflate.open(name, content)
	if err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(sc.unpacked[room][:0])
	n, err := io.Copy(out, io.LimitReader(reader, limit+1))
	sc.unpacked[room] = out.Bytes()
	if err == nil && n > limit {
		err = errTooLarge
	}
	return out.Bytes(), err
}

// open gives a reader of what content holds.
func (f *inflaters) open(name string, content []byte) (io.Reader, error) {
	source := bytes.NewReader(content)
	switch name {
	case "gzip", "x-gzip":
		if f.gzip == nil {
			f.gzip = new(gzip.Reader)
		}
		return f.gzip, f.gzip.Reset(source)
	case "deflate":
		return f.deflate(source)
	}
	return nil, errUnknown
}

// deflate gives a reader of zlib content (RFC 9110, 8.4.1.2), or of bare deflate
// content, which some servers send under that name.
func (f *inflaters) deflate(source *bytes.Reader) (io.Reader, error) {
	var err error
	if f.zlib == nil {
		f.zlib, err = zlib.NewReader(source)
	} else {
		err = f.zlib.(zlib.Resetter).Reset(source, nil)
	}
	if err == nil {
		return f.zlib, nil
	}
	if _, err := source.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if f.flate == nil {
		f.flate = flate.NewReader(source)
		return f.flate, nil
	}
	return f.flate, f.flate.(flate.Resetter).Reset(source, nil)
}

// clip cuts a piece of an answer for a sample.
func clip[T string | []byte](text T) string {
	const most = 80
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}
