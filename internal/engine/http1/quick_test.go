package http1

import "testing"

const typical = "HTTP/1.1 200 OK\r\nServer: nginx/1.24.0\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: keep-alive\r\n\r\nHello, World!"

func BenchmarkFeed(b *testing.B) {
	in := []byte(typical)
	var p Parser
	b.ReportAllocs()
	for b.Loop() {
		p.Reset(false, 0, false)
		if _, done, _, _ := p.Feed(in); !done {
			b.Fatal("not done")
		}
	}
}
