package rpc

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"hyperscale/internal/rpc/identity"
)

// Who asks at a port where no manager listens hears so, in words, and that nothing
// of the call was done.
func TestWhereNoNodeListens(t *testing.T) {
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	closed := listen()
	closed.Close()
	web := listen()
	server := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = server.Serve(web) }()
	defer server.Close()
	silent := listen()
	defer silent.Close()
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	for address, want := range map[string]string{
		closed.Addr().String(): "no connection: connection refused",
		web.Addr().String():    "speaks HTTP/1",
		silent.Addr().String(): "hangs up",
	} {
		_, err := dial(t, address, Dialing{Self: as(identity.Client)}).Submit(soon(t), Submission{Key: "k", Spec: []byte("p")})
		if KindOf(err) != Unavailable || !Undone(err) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "desc =") {
			t.Errorf("at %s: %v; want %q", address, err, want)
		}
	}
}
