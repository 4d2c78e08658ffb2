package h2

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// script is a connection that says the same whatever it is told.
type script struct {
	net.Conn
	io.Reader
}

func (s script) Read(b []byte) (int, error)  { return s.Reader.Read(b) }
func (s script) Write(b []byte) (int, error) { return len(b), nil }
func (s script) Close() error                { return nil }

// FuzzRead: nothing that a peer says makes us panic or hang, and every exchange
// ends once.
func FuzzRead(f *testing.F) {
	var said, head bytes.Buffer
	framer := http2.NewFramer(&said, nil)
	_ = framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 5})
	_ = hpack.NewEncoder(&head).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head.Bytes(), EndHeaders: true})
	_ = framer.WriteData(1, true, []byte("hello"))
	_ = framer.WritePing(false, [8]byte{})
	_ = framer.WriteRSTStream(3, http2.ErrCodeCancel)
	_ = framer.WriteWindowUpdate(0, 100)
	_ = framer.WriteGoAway(1, http2.ErrCodeNo, nil)
	f.Add(said.Bytes())
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		c := New(script{Reader: bytes.NewReader(in)}, "http", func() {})
		xs := []*exchange{newExchange(plain, ""), newExchange(plain, "body"), newExchange(plain, "")}
		for _, x := range xs {
			c.Start(x, Want{Keep: 3, KeepHead: true})
		}
		c.fill() // so that the streams have begun
		var g sync.WaitGroup
		g.Go(c.Write)
		c.Read()
		g.Wait()
		for i, x := range xs {
			if x.ends != 1 {
				t.Errorf("exchange %d ended %d times", i, x.ends)
			}
		}
	})
}
