package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"signet/idp/internal/client/metadata"
	"signet/idp/internal/control"
	"signet/idp/internal/wire"
)

// clientFlags are the flags that say something of a client. What is not given
// stays as it is.
type clientFlags struct {
	texts    map[string]*string
	lists    map[string]*[]string
	public   bool
	native   bool
	pairwise bool

	firstParty, requirePKCE, introspect bool
	audiences, exchange                 []string
	metadata, secret                    string // files; - is standard input
}

// The flags for metadata, by the members that they set (RFC 7591, section 2).
var (
	textFlags = [][3]string{
		{"name", "client_name", "what people are told it is called"},
		{"auth-method", "token_endpoint_auth_method", "how it authenticates; client_secret_basic unless said"},
		{"scope", "scope", "the scopes that it may ask for, with spaces between; all unless said"},
		{"jwks-uri", "jwks_uri", "where its public keys are"},
		{"backchannel-logout-uri", "backchannel_logout_uri", "what is sent a logout token when a person signs out"},
	}
	listFlags = [][3]string{
		{"redirect-uri", "redirect_uris", "where people are sent back to; may be given again"},
		{"post-logout-redirect-uri", "post_logout_redirect_uris", "where people may be sent after they signed out; may be given again"},
		{"grant-type", "grant_types", "what it may send to the token endpoint; may be given again"},
		{"response-type", "response_types", "what it may ask the authorization endpoint for; may be given again"},
	}
)

func (f *clientFlags) flags(cmd *cobra.Command) {
	f.texts, f.lists = map[string]*string{}, map[string]*[]string{}
	flags := cmd.Flags()
	for _, t := range textFlags {
		f.texts[t[0]] = flags.String(t[0], "", t[2])
	}
	for _, l := range listFlags {
		f.lists[l[0]] = flags.StringArray(l[0], nil, l[2])
	}
	flags.BoolVar(&f.public, "public", false, "it has no way to authenticate (the same as --auth-method none)")
	flags.BoolVar(&f.native, "native", false, "it runs on a person's own machine")
	flags.BoolVar(&f.pairwise, "pairwise", false, "it knows people by names that no other client knows")
	flags.BoolVar(&f.firstParty, "first-party", false, "it is your own: people are not asked whether it may")
	flags.BoolVar(&f.requirePKCE, "require-pkce", false, "it needs PKCE even though it has a secret")
	flags.BoolVar(&f.introspect, "introspect", false, "it may ask about tokens of its audiences")
	flags.StringSliceVar(&f.audiences, "audience", nil, "an audience that it may have tokens for, its default first; all unless said")
	flags.StringSliceVar(&f.exchange, "exchange-audience", nil, "an audience that it may exchange tokens for; may be given again")
	flags.StringVar(&f.metadata, "metadata", "", "a file with metadata in JSON, as RFC 7591 has it; - is standard input")
	flags.StringVar(&f.secret, "secret-file", "", "a file with a secret that it has already; - is standard input")
}

// change reads the flags that were given.
func (f *clientFlags) change(cmd *cobra.Command, env *environment) (control.ClientChange, error) {
	var c control.ClientChange
	given := cmd.Flags().Changed
	if given("public") && given("auth-method") {
		return c, usagef("--public and --auth-method exclude each other")
	}
	if f.metadata == "-" && f.secret == "-" {
		return c, usagef("only one of --metadata and --secret-file can be standard input")
	}
	members, err := env.readMetadata(f.metadata)
	if err != nil {
		return c, err
	}
	put := func(flag, member string, value any) {
		if given(flag) && err == nil {
			members[member], err = json.Marshal(value)
		}
	}
	for _, t := range textFlags {
		put(t[0], t[1], *f.texts[t[0]])
	}
	for _, l := range listFlags {
		put(l[0], l[1], *f.lists[l[0]])
	}
	put("public", "token_endpoint_auth_method", choose(f.public, wire.AuthNone, wire.AuthClientSecretBasic))
	put("native", "application_type", choose(f.native, metadata.Native, metadata.Web))
	put("pairwise", "subject_type", choose(f.pairwise, metadata.SubjectPairwise, metadata.SubjectPublic))
	if err != nil {
		return c, err
	}
	c.Metadata = members
	c.FirstParty = ifGiven(given("first-party"), f.firstParty)
	c.RequirePKCE = ifGiven(given("require-pkce"), f.requirePKCE)
	c.Introspect = ifGiven(given("introspect"), f.introspect)
	c.Audiences = ifGiven(given("audience"), f.audiences)
	c.ExchangeAudiences = ifGiven(given("exchange-audience"), f.exchange)
	c.Secret, err = env.readSecretFile(f.secret)
	return c, err
}

func ifGiven[T any](given bool, value T) *T {
	if !given {
		return nil
	}
	return &value
}

func choose(yes bool, one, other string) string {
	if yes {
		return one
	}
	return other
}

// maxClientFile bounds a file that says something of a client.
const maxClientFile = 64 << 10

func (env *environment) readFile(path string) ([]byte, error) {
	from := io.Reader(env.in)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, usageError{err}
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, maxClientFile+1))
	if err == nil && len(text) > maxClientFile {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxClientFile)
	}
	return text, err
}

func (env *environment) readMetadata(path string) (map[string]jsontext.Value, error) {
	members := map[string]jsontext.Value{}
	if path == "" {
		return members, nil
	}
	text, err := env.readFile(path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, usagef("--metadata %s: it must hold one JSON object, in which no member is there twice", path)
	}
	return members, nil
}

func (env *environment) readSecretFile(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := env.readFile(path)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", usagef("--secret-file %s: it is empty", path)
	}
	return secret, nil
}
