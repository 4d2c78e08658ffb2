package dial

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"hyperscale/internal/session"
)

// Fault is the kind of an error of the network or of TLS. What has no kind of
// its own is SendFailed; [ConnectFault] is for errors of connecting. It is zero
// when err is nil.
func Fault(err error) session.Fault { return fault(err, session.SendFailed) }

// ConnectFault is Fault for errors of opening a connection: what has no kind of
// its own is ConnectFailed.
func ConnectFault(err error) session.Fault { return fault(err, session.ConnectFailed) }

func fault(err error, other session.FaultCode) session.Fault {
	if err == nil {
		return 0
	}
	return session.NewFault(code(err, other), 0)
}

func code(err error, other session.FaultCode) session.FaultCode {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if c, ok := codeOf[errno]; ok {
			return c
		}
		return other
	}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return session.NameNotResolved
	case isTLS(err):
		return session.TLSFailed
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return session.ConnectionTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return session.ClosedBeforeAnswer
	}
	return other
}

// isTLS reports whether err is of crypto/tls or of a certificate. Its alerts,
// ours and the peer's, come as net.OpError with an operation of crypto/tls.
func isTLS(err error) bool {
	var (
		alert   tls.AlertError
		record  tls.RecordHeaderError
		cert    *tls.CertificateVerificationError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		op      *net.OpError
	)
	switch {
	case errors.As(err, &alert), errors.As(err, &record), errors.As(err, &cert),
		errors.As(err, &name), errors.As(err, &invalid), errors.As(err, &unknown):
		return true
	case errors.As(err, &op):
		return op.Op == "remote error" || op.Op == "local error"
	}
	return false
}
