// Package demo is a target to try load tests against: a small HTTP server with
// endpoints for latency, errors, JSON, cookies, redirects, stalls and large
// bodies. It counts what it was asked, so a report can be held against it.
//
// It is served by `hyperscale demo`, and within the process of a run whose plan
// says `target: demo`; it therefore keeps what it costs per request low.
package demo

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// Serve answers requests on ln, over HTTP/1.1 and cleartext HTTP/2, until ctx
// ends; it closes ln. Requests in progress then have one second to end. When it
// returns all it started has returned. The error is nil after ctx ended.
func Serve(ctx context.Context, ln net.Listener) error {
	var open sync.WaitGroup
	srv := &http.Server{
		Handler:     New(),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnState:   countConns(&open),
		Protocols:   protocols(),
	}
	ended := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-ctx.Done():
		case <-ended:
		}
		shut(srv)
	}()
	err := srv.Serve(ln)
	close(ended)
	<-stopped
	open.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// shut ends the server: gently for a second, then by closing what is left.
func shut(srv *http.Server) {
	grace, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if srv.Shutdown(grace) != nil {
		_ = srv.Close() // its error says no more than Shutdown's: connections were still busy
	}
}

// countConns keeps open at the number of connections that are served.
func countConns(open *sync.WaitGroup) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Done()
		}
	}
}

func protocols() *http.Protocols {
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return &p
}
