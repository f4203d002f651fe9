package metadata

import (
	"errors"
	"slices"
	"strings"

	"signet/data"
	"signet/idp/internal/jose"
	"signet/idp/internal/wire"
)

// Rules is what the issuer can do for a client.
type Rules struct {
	Algs   []string // what the key ring signs with; the first is the default where RS256 is not there
	Scopes []string // all that exist

	// PlainHTTP lets a web client come back to this machine over plain http:
	// the issuer itself is on plain http.
	PlainHTTP bool
	// FetchHTTP lets what the issuer asks for be on plain http: the operator
	// allowed networks of their own, or PlainHTTP.
	FetchHTTP bool
}

// The values that are supported, in the order of metadata documents.
var (
	AuthMethods = []string{wire.AuthClientSecretBasic, wire.AuthClientSecretPost, wire.AuthClientSecretJWT, wire.AuthPrivateKeyJWT, wire.AuthNone}
	GrantTypes  = []string{wire.GrantAuthorizationCode, wire.GrantRefreshToken, wire.GrantClientCredentials, wire.GrantDeviceCode,
		wire.GrantTokenExchange, wire.GrantJWTBearer, wire.GrantImplicit}
	ResponseTypes = []string{"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"}
	SubjectTypes  = []string{SubjectPublic, SubjectPairwise}
)

// Kinds of applications and of subjects (OpenID Connect Registration, section 2).
const (
	Web             = "web"
	Native          = "native"
	SubjectPublic   = "public"
	SubjectPairwise = "pairwise"
)

// OpenIDScopes are those of OpenID Connect Core, which every issuer has.
var OpenIDScopes = []string{wire.ScopeOpenID, wire.ScopeProfile, wire.ScopeEmail, wire.ScopeAddress, wire.ScopePhone, wire.ScopeOfflineAccess}

// Fill gives every member that has a default, and no value, its default.
// Filling twice changes nothing.
func (r Rules) Fill(m *data.Metadata) {
	if m.ApplicationType == "" {
		m.ApplicationType = kindOf(m.RedirectURIs)
	}
	if m.AuthMethod == "" {
		m.AuthMethod = wire.AuthClientSecretBasic // RFC 7591, section 2
	}
	if len(m.GrantTypes) == 0 {
		m.GrantTypes = grantsFor(m.ResponseTypes)
	}
	if len(m.ResponseTypes) == 0 && slices.Contains(m.GrantTypes, wire.GrantAuthorizationCode) {
		m.ResponseTypes = []string{"code"}
	}
	if m.SubjectType == "" {
		m.SubjectType = SubjectPublic
	}
	if m.IDTokenAlg == "" && len(r.Algs) > 0 {
		// OpenID Connect Registration, section 2: RS256 where we have it.
		m.IDTokenAlg = r.Algs[0]
		if slices.Contains(r.Algs, "RS256") {
			m.IDTokenAlg = "RS256"
		}
	}
}

// kindOf is the application_type of a client that says none. The default is
// web; but many programs on people's machines say nothing and come back to
// that machine, which no client on the web can.
func kindOf(redirects []string) string {
	for _, uri := range redirects {
		if u, problem := parse(uri); problem == "" && (!isHTTP(u) || u.Scheme == "http" && isLoopback(u)) {
			return Native
		}
	}
	return Web
}

// grantsFor are the grant types of a client that names none: those that its
// response types need (OpenID Connect Registration, section 2), and refresh
// tokens with a code.
func grantsFor(responseTypes []string) (grants []string) {
	code, implicit := len(responseTypes) == 0, false
	for _, rt := range responseTypes {
		needsCode, needsImplicit := flows(rt)
		code, implicit = code || needsCode, implicit || needsImplicit
	}
	if code {
		grants = append(grants, wire.GrantAuthorizationCode, wire.GrantRefreshToken)
	}
	if implicit {
		grants = append(grants, wire.GrantImplicit)
	}
	return grants
}

// flows tells which grant types a response type is made of.
func flows(responseType string) (code, implicit bool) {
	for word := range strings.FieldsSeq(responseType) {
		code = code || word == "code"
		implicit = implicit || word != "code"
	}
	return code, implicit
}

// Complete fills m and checks it. The error is an Error.
func (r Rules) Complete(m *data.Metadata) error {
	r.Fill(m)
	c := &checker{Rules: r}
	c.words(m)
	c.flows(m)
	c.redirects(m)
	c.addresses(m)
	c.keys(m)
	c.algs(m)
	c.subject(m)
	c.texts(m)
	if len(c.problems) > 0 {
		return c.problems
	}
	return nil
}

// words checks the members that are words out of a few.
func (c *checker) words(m *data.Metadata) {
	c.oneOf("application_type", m.ApplicationType, []string{Web, Native})
	c.oneOf("token_endpoint_auth_method", m.AuthMethod, AuthMethods)
	c.oneOf("subject_type", m.SubjectType, SubjectTypes)
	c.allOf("grant_types", m.GrantTypes, GrantTypes)
	c.allOf("response_types", m.ResponseTypes, ResponseTypes)
	c.want(m.DefaultMaxAge == nil || *m.DefaultMaxAge >= 0, "default_max_age", "must not be negative")
}

func (c *checker) oneOf(member, value string, supported []string) {
	c.want(slices.Contains(supported, value), member, "must be "+orList(supported))
}

func (c *checker) allOf(member string, values, supported []string) {
	for i, v := range values {
		switch {
		case !slices.Contains(supported, v):
			c.bad(at(member, i), "must be %s", orList(supported))
		case slices.Contains(values[:i], v):
			c.bad(at(member, i), "is there twice")
		}
	}
}

// flows checks that grant types and response types belong together (RFC 7591,
// section 2.1; OpenID Connect Registration, section 2), and that a client has
// somewhere to send people back to.
func (c *checker) flows(m *data.Metadata) {
	has := func(grant string) bool { return slices.Contains(m.GrantTypes, grant) }
	code, implicit := false, false
	for _, rt := range m.ResponseTypes {
		needsCode, needsImplicit := flows(rt)
		code, implicit = code || needsCode, implicit || needsImplicit
	}
	c.want(code == has(wire.GrantAuthorizationCode), "response_types", "one with code and the grant type authorization_code go together")
	c.want(implicit == has(wire.GrantImplicit), "response_types", "one with id_token or token and the grant type implicit go together")
	c.want(len(m.ResponseTypes) == 0 || len(m.RedirectURIs) > 0, "redirect_uris", "at least one is needed for these response types")
	if m.AuthMethod == wire.AuthNone {
		// RFC 6749, section 4.4: whoever knows the client's id could use these.
		for _, grant := range []string{wire.GrantClientCredentials, wire.GrantTokenExchange} {
			c.want(!has(grant), "grant_types", grant+" needs a client that authenticates")
		}
	}
}

// algs checks the signing algorithms. What the client signs is read with its
// public keys only, but for client_secret_jwt.
func (c *checker) algs(m *data.Metadata) {
	c.alg("id_token_signed_response_alg", m.IDTokenAlg, c.Algs)
	c.alg("userinfo_signed_response_alg", m.UserinfoAlg, c.Algs)
	c.alg("introspection_signed_response_alg", m.IntrospectionAlg, c.Algs)
	c.alg("request_object_signing_alg", m.RequestObjectAlg, jose.Asymmetric)
	switch m.AuthMethod {
	case wire.AuthPrivateKeyJWT:
		c.alg("token_endpoint_auth_signing_alg", m.AuthAlg, jose.Asymmetric)
	case wire.AuthClientSecretJWT:
		c.alg("token_endpoint_auth_signing_alg", m.AuthAlg, HMACAlgs)
	default:
		c.alg("token_endpoint_auth_signing_alg", m.AuthAlg, slices.Concat(jose.Asymmetric, HMACAlgs))
	}
}

// HMACAlgs are the algorithms of client_secret_jwt: those that a secret of 256
// bits is enough for (RFC 7518, section 3.2).
var HMACAlgs = []string{"HS256"}

func (c *checker) alg(member, value string, supported []string) {
	c.want(value == "" || slices.Contains(supported, value), member, "must be "+orList(supported))
}

// keys checks the client's public keys.
func (c *checker) keys(m *data.Metadata) {
	c.want(m.JWKS == nil || m.JWKSURI == "", "jwks", "jwks and jwks_uri exclude each other") // RFC 7591, section 2
	c.want(m.AuthMethod != wire.AuthPrivateKeyJWT || m.JWKS != nil || m.JWKSURI != "",
		"token_endpoint_auth_method", "private_key_jwt needs jwks or jwks_uri")
	if m.JWKS == nil {
		return
	}
	set, err := jose.ParseKeySet(m.JWKS)
	switch {
	case err != nil:
		c.bad("jwks", "%s", strings.TrimPrefix(err.Error(), "jose: "))
	case set.Len() == 0 && len(set.Skipped()) > 0:
		c.bad("jwks", "no key in it can be used; %v", set.Skipped()[0])
	case set.Len() == 0:
		c.bad("jwks", "there is no key in it")
	}
}

func orList(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// CheckID refuses the id of a client that could be taken for something else:
// for a user, for the URL of a metadata document, or for the built-in client.
func CheckID(id string) error {
	_, err := data.ParseUserID(id)
	switch {
	case id == "" || len(id) > maxText || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("must be 1 to 255 visible ASCII characters")
	case err == nil:
		return errors.New("looks like the id of a user; choose another")
	case strings.Contains(id, "://"):
		return errors.New("is the URL of a metadata document, which nobody has to declare; choose another")
	case id == FirstParty:
		return errors.New("is the built-in client of the JSON API; choose another")
	}
	return nil
}

// FirstParty is the id of the built-in client of the JSON API.
const FirstParty = "signet"
