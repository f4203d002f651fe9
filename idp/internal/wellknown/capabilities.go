package wellknown

import "signet/idp/internal/wire"

// document says what is there, and nothing that is not.
func (c Capabilities) document() document {
	at := func(path string) string { return c.Issuer + path }
	algs := append(append([]string{}, c.AssertionAlgs...), c.SecretAlgs...)
	proved := []string{wire.AuthClientSecretBasic, wire.AuthClientSecretPost, wire.AuthClientSecretJWT, wire.AuthPrivateKeyJWT}
	any := append(append([]string{}, proved...), wire.AuthNone)
	d := document{
		Issuer: c.Issuer, JWKSURI: at("/.well-known/jwks.json"),
		Authorization: at("/oauth2/authorize"), Token: at("/oauth2/token"), Userinfo: at("/oauth2/userinfo"),
		Revocation: at("/oauth2/revoke"), Introspection: at("/oauth2/introspect"), Pushed: at("/oauth2/par"),
		Device: at("/oauth2/device_authorization"), EndSession: at("/oauth2/logout"),
		StatusLists: at("/oauth2/status_lists"),

		Scopes:        c.Scopes,
		ResponseTypes: []string{"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"},
		ResponseModes: []string{"query", "fragment", "form_post"},
		GrantTypes:    c.grantTypes(),
		SubjectTypes:  []string{"public", "pairwise"},
		ACRValues:     c.ACRValues, Claims: c.Claims, ClaimTypes: []string{"normal"}, Locales: c.Locales,
		Display:    []string{"page", "popup", "touch", "wap"},
		Prompts:    []string{"none", "login", "consent", "select_account"},
		Challenges: []string{"S256"},

		AccessAlgs: c.Algs, IDTokenAlgs: c.Algs, UserinfoAlgs: c.Algs, IntrospectionAlgs: c.Algs,
		RequestAlgs: c.AssertionAlgs, DPoPAlgs: c.DPoPAlgs,
		TokenAuth: any, TokenAuthAlgs: algs, RevocationAuth: any, RevocationAuthAlgs: algs,
		IntrospectionAuth: proved, IntrospectionAuthAlgs: algs,

		ClaimsParameter: true, RequestParameter: true, RequestURI: true, RequestRegistration: true,
		RequirePushed: c.RequirePushed, IssuerInAnswer: true, Documents: c.Documents,
		FrontLogout: true, FrontLogoutSession: true, BackLogout: true, BackLogoutSession: true,
	}
	if c.Registration {
		d.Registration = at("/oauth2/register")
	}
	if c.SignUp {
		d.Prompts = append(d.Prompts, "create")
	}
	if c.CheckSession {
		d.CheckSession = at("/oauth2/check_session")
	}
	return d
}

func (c Capabilities) grantTypes() []string {
	list := []string{wire.GrantAuthorizationCode, wire.GrantImplicit, wire.GrantRefreshToken, wire.GrantClientCredentials,
		wire.GrantDeviceCode, wire.GrantTokenExchange}
	if c.TrustsIssuers {
		list = append(list, wire.GrantJWTBearer)
	}
	return list
}
