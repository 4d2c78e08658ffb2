//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A target is a running server of bench/target.
type target struct {
	url    string // of its first address, ending in a slash
	cmd    *exec.Cmd
	output *bytes.Buffer
	client *http.Client
}

// startTarget starts the server on the target's core with more arguments, and
// returns once it answers.
func (b *bench) startTarget(ctx context.Context, program string, first int, more ...string) (*target, error) {
	host := fmt.Sprintf("127.0.0.%d:%d", first, b.port)
	if l, err := net.Listen("tcp4", host); err != nil {
		return nil, fmt.Errorf("the target's address is taken (choose another with -port): %w", err)
	} else if err := l.Close(); err != nil {
		return nil, err
	}
	argv := append([]string{program, "--port", strconv.Itoa(b.port), "--first", strconv.Itoa(first)}, more...)
	scheme := "http://"
	if program == "target-tls" {
		scheme = "https://"
	}
	t := &target{url: scheme + host + "/", output: new(bytes.Buffer), client: patientClient()}
	t.cmd = b.command(ctx, pinned(b.targetCPU, argv), t.output)
	if err := t.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the target: %w", err)
	}
	if err := t.await(ctx); err != nil {
		_, stopErr := t.stop()
		return nil, errors.Join(err, stopErr)
	}
	return t, nil
}

// patientClient asks the target for its counts, each time on a new connection,
// for the target may be busy and its certificate is its own.
func patientClient() *http.Client {
	return &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		},
	}
}

func (t *target) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		_, err := t.count("hits")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the target does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// count asks the target for one of its numbers, "hits" or "connections".
func (t *target) count(what string) (int64, error) {
	answer, err := t.client.Get(t.url + what)
	if err != nil {
		return 0, fmt.Errorf("asking the target for its %s: %w", what, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, fmt.Errorf("asking the target for its %s: %w", what, err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// stop ends the server and returns what it printed.
func (t *target) stop() (string, error) {
	if err := t.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return "", fmt.Errorf("stopping the target: %w", err)
	}
	if err := t.cmd.Wait(); err != nil {
		return t.output.String(), fmt.Errorf("the target failed: %w: %s", err, t.output)
	}
	return t.output.String(), nil
}

// A span is a stretch of time since the target's first hit.
type span struct{ from, to time.Duration }

// stalls reads the target's "stall FROM TO" lines.
func stalls(output string) []span {
	var spans []span
	for line := range strings.Lines(output) {
		var from, to float64
		if n, _ := fmt.Sscanf(line, "stall %g %g", &from, &to); n == 2 {
			spans = append(spans, span{seconds(from), seconds(to)})
		}
	}
	return spans
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// writeCertificate makes a self-signed certificate for loopback and returns the
// target's arguments that name it.
func (b *bench) writeCertificate() ([]string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	certFile, keyFile := filepath.Join(b.scratch, "cert.pem"), filepath.Join(b.scratch, "key.pem")
	return []string{"--cert", certFile, "--key", keyFile}, errors.Join(
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

// removeResults clears what an earlier run left, so that it is not read as this
// one's.
func removeResults(file string) {
	os.Remove(file)
	os.Remove(file + ".targets")
}
