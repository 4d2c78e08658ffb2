//go:build !windows

package dial

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"hyperscale/internal/session"
)

func TestFault(t *testing.T) {
	cases := []struct {
		err  error
		want session.FaultCode
	}{
		{nil, session.NoFault},
		{syscall.ECONNREFUSED, session.ConnectionRefused},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, session.ConnectionRefused},
		{syscall.ECONNRESET, session.ConnectionReset},
		{syscall.EPIPE, session.ConnectionReset},
		{syscall.ETIMEDOUT, session.ConnectionTimeout},
		{syscall.EADDRNOTAVAIL, session.NoLocalPort},
		{fmt.Errorf("open: %w", syscall.EMFILE), session.NoDescriptor},
		{syscall.ENFILE, session.NoDescriptor},
		{&net.DNSError{Err: "no such host"}, session.NameNotResolved},
		{tls.AlertError(40), session.TLSFailed},
		{&net.OpError{Op: "remote error", Err: errOther}, session.TLSFailed},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, session.TLSFailed},
		{&tls.CertificateVerificationError{Err: x509.HostnameError{}}, session.TLSFailed},
		{x509.UnknownAuthorityError{}, session.TLSFailed},
		{context.DeadlineExceeded, session.ConnectionTimeout},
		{io.EOF, session.ClosedBeforeAnswer},
		{io.ErrUnexpectedEOF, session.ClosedBeforeAnswer},
	}
	for _, c := range cases {
		if got := Fault(c.err).Code(); got != c.want {
			t.Errorf("%v is %d, want %d", c.err, got, c.want)
		}
		if got := ConnectFault(c.err).Code(); got != c.want {
			t.Errorf("connecting, %v is %d, want %d", c.err, got, c.want)
		}
	}
	for _, err := range []error{errOther, syscall.EHOSTUNREACH} {
		if a, b := Fault(err).Code(), ConnectFault(err).Code(); a != session.SendFailed || b != session.ConnectFailed {
			t.Errorf("%v is %d, when connecting %d", err, a, b)
		}
	}
}
