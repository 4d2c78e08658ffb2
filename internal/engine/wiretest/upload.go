package wiretest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"strconv"

	"hyperscale/internal/session"
)

// uploadCases are about requests that take their time.
var uploadCases = []testCase{
	{"Upload", upload},
	{"UploadTLS", uploadTLS},
	{"AnswerBeforeTheEnd", answerBeforeTheEnd},
	{"ResetWhileSending", resetWhileSending},
}

func upload(b *bench) { uploadOver(b, b.serve(slowReader)) }

func uploadTLS(b *bench) { uploadOver(b, b.serveTLS(b.certs.server(b.certs.good), slowReader)) }

// slowReader reads a body in small pieces and answers with its digest.
func slowReader(p *peer) {
	p.r = bufio.NewReaderSize(p.Conn, 1000)
	for {
		_, body, ok := p.read()
		if !ok {
			return
		}
		sum := sha256.Sum256(body)
		text := hex.EncodeToString(sum[:])
		p.say("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(text)) + "\r\n\r\n" + text)
	}
}

// uploadOver sends large bodies, whole and over one connection.
func uploadOver(b *bench, s *server) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 4 << 10, 16 << 10, 1<<20 + 7, 12 << 20} {
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(random.Uint32())
		}
		r := request(s.origin(b.certs.trusted), "POST", "/", body)
		r.Keep = 100
		x := b.do(r)
		sum := sha256.Sum256(body)
		if b.wantAnswer(x, 200, 64); string(x.Answer.Body) != hex.EncodeToString(sum[:]) {
			b.Errorf("%d bytes did not arrive as they were sent", size)
		}
		if want := int64(len(r.Head) + size); x.BytesOut != want {
			b.Errorf("%d bytes out, want %d", x.BytesOut, want)
		}
	}
	s.want(1, 6)
}

// answerBeforeTheEnd: an answer that comes while the request is being sent
// counts, and the connection is not used again.
func answerBeforeTheEnd(b *bench) {
	ended := make(chan struct{}, 2)
	s := b.serve(func(p *peer) {
		if _, err := p.r.ReadString('\n'); err != nil {
			return
		}
		p.say("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge")
		if await(p, p.server.read) {
			_, _ = io.Copy(io.Discard, p.r)
			ended <- struct{}{}
		}
	})
	for range 2 {
		x := b.do(request(s.origin(), "POST", "/", bytes.Repeat([]byte("x"), 32<<20)))
		b.wantAnswer(x, 413, 5)
		b.wantOpen(0)
		give(b, s.read)
		hear(b, "the connection to be given up", ended)
	}
	s.want(2, 0)
}

func resetWhileSending(b *bench) {
	s := b.serve(func(p *peer) {
		if _, err := p.r.ReadString('\n'); err == nil {
			p.reset()
		}
	})
	for range 2 {
		x := b.do(request(s.origin(), "POST", "/", bytes.Repeat([]byte("x"), 32<<20)))
		b.wantFault(x, session.ConnectionReset)
		b.wantOpen(0)
	}
	s.want(2, 0)
}
