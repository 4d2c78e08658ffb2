// Command hyperscale tests how services perform under load.
package main

import (
	"context"
	"os"

	"hyperscale/internal/cli"
)

func main() { os.Exit(cli.Main(context.Background(), cli.OS(), os.Args[1:])) }
