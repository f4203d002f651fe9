// Command service calls an API in its own name, with no person around: the
// client credentials grant (RFC 6749, section 4.4) on golang.org/x/oauth2, an
// example to read, and to copy from.
//
//	CLIENT_SECRET=… go run ./examples/service
//
// It is the client "service" of the issuer at http://localhost:4000, and calls
// ./resource/demo, once. -help lists what can be changed; docs/service.md goes
// through it step by step.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv("CLIENT_SECRET"), os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

// run calls the API and tells out what it answered. The secret is no flag,
// since everybody on a machine can read another's command line.
func run(ctx context.Context, args []string, secret string, out io.Writer) error {
	flags := flag.NewFlagSet("service", flag.ContinueOnError)
	issuer := flags.String("issuer", "http://localhost:4000", "`URL` of the issuer")
	clientID := flags.String("client-id", "service", "`name` of this service at the issuer")
	scope := flags.String("scope", "", "what to ask for, `words` with spaces")
	api := flags.String("api", "http://localhost:3000/protected", "`URL` of the API")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if secret == "" {
		return errors.New("CLIENT_SECRET is not set")
	}

	ctx = oidc.ClientContext(ctx, &http.Client{Timeout: 10 * time.Second})
	provider, err := oidc.NewProvider(ctx, *issuer)
	if err != nil {
		return fmt.Errorf("the issuer's metadata: %w", err)
	}
	credentials := clientcredentials.Config{
		ClientID: *clientID, ClientSecret: secret, Scopes: strings.Fields(*scope),
		TokenURL: provider.Endpoint().TokenURL, AuthStyle: oauth2.AuthStyleInHeader,
	}
	// This client keeps a token, and takes the next a little before its end.
	// A service makes it once, and calls with it for as long as it runs.
	client := credentials.Client(ctx)
	client.Timeout = 10 * time.Second

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, *api, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the API answered %s: %s", res.Status, body)
	}
	_, err = out.Write(body)
	return err
}
