package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"hyperscale/internal/demo"
)

func demoCommand(a *app) *cobra.Command {
	var listen string
	var secure bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "A target to try against, on loopback",
		Long: "Serves a small HTTP target until it is interrupted: endpoints for latency, errors, JSON,\n" +
			"cookies, redirects, stalls and large bodies. / lists them, /hits counts what was asked.\n" +
			"A plan with \"target: demo\" brings one of its own.",
		Example: "  hyperscale demo\n  hyperscale demo --listen 127.0.0.1:0 --tls",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := a.untilSignal(c.Context())
			defer stop()
			return serveDemo(ctx, a, listen, secure)
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "`ADDRESS` to serve; port 0: any that is free")
	c.Flags().BoolVar(&secure, "tls", false, "serve HTTPS with a certificate of its own (-k accepts it)")
	exits(c, "0    interrupted: the way it ends", "1    the address cannot be served", "104  bad flags")
	return c
}

// serveDemo says where it serves and serves until ctx ends.
func serveDemo(ctx context.Context, a *app, listen string, secure bool) error {
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("serving the demo target: %w", err)
	}
	scheme := "http"
	address := ln.Addr().String()
	if secure {
		config, err := demo.SelfSigned()
		if err != nil {
			_ = ln.Close() // the error that matters is that one
			return err
		}
		ln, scheme = tls.NewListener(ln, config), "https"
	}
	if _, err := fmt.Fprintf(a.Stdout, "%s://%s/\n", scheme, address); err != nil {
		_ = ln.Close() // as above
		return fmt.Errorf("saying where the demo target is: %w", err)
	}
	return demo.Serve(ctx, ln)
}

// untilSignal ends the context at the first signal.
func (a *app) untilSignal(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	if a.Signals == nil {
		return ctx, cancel
	}
	signals, stop := a.Signals()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel()
		<-ended
		stop()
	}
}
