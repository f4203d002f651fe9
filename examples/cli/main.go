package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "cli:", err)
		os.Exit(1)
	}
}

// tool is what the two ways of signing in share.
type tool struct {
	oauth    oauth2.Config
	provider *oidc.Provider
	client   *http.Client
	issuer   string
	revoke   string // where tokens are given back; may be empty
	namesIss bool   // every answer carries iss (RFC 9207)
	out      io.Writer
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("cli", flag.ContinueOnError)
	issuer := flags.String("issuer", "http://localhost:4000", "`URL` of the issuer")
	clientID := flags.String("client-id", "cli", "`name` of this tool at the issuer")
	scope := flags.String("scope", "openid profile email", "what to ask for, `words` with spaces")
	api := flags.String("api", "http://localhost:3000/protected", "`URL` of the API")
	browser := flags.Bool("browser", false, "sign in with a browser on this machine, without a code")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	t := &tool{client: &http.Client{Timeout: 10 * time.Second}, issuer: *issuer, out: out}
	ctx = oidc.ClientContext(ctx, t.client)
	if err := t.discover(ctx, *clientID, strings.Fields(*scope)); err != nil {
		return fmt.Errorf("the issuer's metadata: %w", err)
	}
	signIn := t.device
	if *browser {
		signIn = t.loopback
	}
	token, err := signIn(ctx)
	if err != nil {
		return fmt.Errorf("sign in: %w", told(err))
	}
	defer t.giveBack(token)
	return t.call(ctx, token, *api)
}

func (t *tool) discover(ctx context.Context, clientID string, scopes []string) (err error) {
	if t.provider, err = oidc.NewProvider(ctx, t.issuer); err != nil {
		return err
	}
	var more struct {
		Revoke   string `json:"revocation_endpoint"`
		NamesIss bool   `json:"authorization_response_iss_parameter_supported"`
	}
	if err := t.provider.Claims(&more); err != nil {
		return err
	}
	t.revoke, t.namesIss = more.Revoke, more.NamesIss
	t.oauth = oauth2.Config{ClientID: clientID, Scopes: scopes, Endpoint: t.provider.Endpoint()}
	t.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInParams // a public client: it has a name and no secret
	return nil
}

// check holds the ID token of an answer against what was asked for; without a
// nonce, none was.
func (t *tool) check(ctx context.Context, token *oauth2.Token, nonce string) error {
	if !slices.Contains(t.oauth.Scopes, oidc.ScopeOpenID) {
		return nil // no ID token was asked for
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := t.provider.VerifierContext(ctx, &oidc.Config{ClientID: t.oauth.ClientID}).Verify(ctx, raw)
	if err != nil {
		return err
	}
	if idToken.Nonce != nonce {
		return errors.New("the ID token belongs to another sign-in")
	}
	return t.greet(ctx, token, idToken.Subject)
}

// greet says who has signed in, by the best name that is known.
func (t *tool) greet(ctx context.Context, token *oauth2.Token, subject string) error {
	info, err := t.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return err
	}
	// OpenID Connect Core, section 5.3.2: what is said of somebody else must
	// not be used.
	if info.Subject != subject {
		return errors.New("userinfo speaks of somebody else")
	}
	var who struct{ Name, Email string }
	if err := info.Claims(&who); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "Signed in as %s.\n", cmp.Or(who.Name, who.Email, subject))
	return nil
}

// call asks the API and prints what it says.
func (t *tool) call(ctx context.Context, token *oauth2.Token, api string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api, nil)
	if err != nil {
		return err
	}
	res, err := t.oauth.Client(ctx, token).Do(req)
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
	_, err = t.out.Write(body)
	return err
}

// giveBack tells the issuer that the tokens are needed no more: RFC 7009. The
// refresh token, where there is one, stands for all.
func (t *tool) giveBack(token *oauth2.Token) {
	if t.revoke == "" {
		return
	}
	form := url.Values{"client_id": {t.oauth.ClientID}, "token": {token.AccessToken}}
	if token.RefreshToken != "" {
		form.Set("token", token.RefreshToken)
	}
	res, err := t.client.PostForm(t.revoke, form) // not with the context: it may be over
	if err != nil {
		fmt.Fprintln(t.out, "The tokens were not given back; they end by themselves.")
		return
	}
	res.Body.Close()
}

// told is an error in few words, where the issuer has given a reason.
func told(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode == "" {
		return err
	}
	switch refused.ErrorCode {
	case "access_denied":
		return errors.New("you said no")
	case "expired_token":
		return errors.New("the code has expired")
	}
	return fmt.Errorf("the issuer refused: %s %s", refused.ErrorCode, refused.ErrorDescription)
}
