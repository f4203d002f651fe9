package config

import (
	"signet/data"
	"signet/idp/internal/client/metadata"
)

// audienceSettings is the table of one audience's keys.
func audienceSettings(a *Audience) []setting {
	return []setting{
		{"name", "", one(text, &a.Name, audienceName),
			"the aud of its tokens"},
		{"alg", "", one(anyAlg, &a.Alg),
			"the algorithm of its tokens, one of keys.algs"},
		{"access_ttl", "0", one(duration, &a.AccessTTL, within(0, day), wholeSeconds),
			"how long its access tokens live; 0 is tokens.access_ttl"},
	}
}

// clientSettings is the table of one client's keys: those of RFC 7591, section
// 2, and of OpenID Connect Registration, section 2, under their own names, and
// what only the operator may say.
func clientSettings(c *Client) []setting {
	return append([]setting{
		{"id", "", one(text, &c.ID, metadata.CheckID),
			"the client_id"},
		{"secret", "", one(text, &c.Secret, longSecret),
			"its client_secret; a client with none is a public one, unless it has keys"},
		{"secret_file", "", one(text, &c.SecretFile, notEmpty),
			"instead: a file that holds the secret and nothing else, and that only its owner may read"},
		{"secret_sha256", "", one(text, &c.SecretSHA256, hexHash),
			"instead: the SHA-256 of the secret, in hexadecimal digits"},
		{"first_party", "false", one(boolean, &c.FirstParty),
			"true for a program of your own: people are not asked whether it may"},
		{"require_pkce", "false", one(boolean, &c.RequirePKCE),
			"true asks PKCE of it even though it has a secret"},
		{"audiences", "", many(text, &c.Audiences, audienceName),
			"the audiences that it may have tokens for, its default first; none is all"},
		{"exchange_audiences", "", many(text, &c.ExchangeAudiences, audienceName),
			"the audiences that it may exchange a token for (RFC 8693); none is none"},
		{"introspect", "false", one(boolean, &c.Introspect),
			"true lets it ask about tokens of its audiences (RFC 7662)"},
	}, metadataSettings(&c.Metadata)...)
}

// metadataSettings has no checks: package metadata has them for every source.
func metadataSettings(m *data.Metadata) []setting {
	return []setting{
		{"client_name", "", one(text, &m.Name), "what people are told it is called"},
		{"client_names", "", languages(&m.Names), "the same in other languages, as {de: Beispiel}"},
		{"redirect_uris", "", many(text, &m.RedirectURIs), "where people are sent back to; compared as they stand"},
		{"response_types", "", many(text, &m.ResponseTypes), "what it may ask the authorization endpoint for; code, unless it has no redirect URIs"},
		{"grant_types", "", many(text, &m.GrantTypes), "what it may send to the token endpoint; authorization_code and refresh_token"},
		{"application_type", "", one(text, &m.ApplicationType), "web, or native for a program on a person's own machine"},
		{"scope", "", one(text, &m.Scope), "the scopes that it may ask for, with spaces between; empty is all"},
		{"token_endpoint_auth_method", "", one(text, &m.AuthMethod), "how it authenticates: client_secret_basic with a secret and none without, unless said"},
		{"token_endpoint_auth_signing_alg", "", one(text, &m.AuthAlg), "the only algorithm of its assertions"},
		{"jwks_uri", "", one(text, &m.JWKSURI), "where its public keys are"},
		{"jwks", "", jsonValue(&m.JWKS), "or its public keys themselves, as {keys: [...]}"},
		{"subject_type", "", one(text, &m.SubjectType), "public, or pairwise to know people by names that no other client knows"},
		{"sector_identifier_uri", "", one(text, &m.SectorURI), "the host of this URL is the sector of a pairwise client"},
		{"id_token_signed_response_alg", "", one(text, &m.IDTokenAlg), "what signs its ID tokens; RS256 if there is such a key"},
		{"userinfo_signed_response_alg", "", one(text, &m.UserinfoAlg), "makes userinfo a JWT that is signed so"},
		{"introspection_signed_response_alg", "", one(text, &m.IntrospectionAlg), "makes introspection a JWT that is signed so, where it is asked for"},
		{"request_object_signing_alg", "", one(text, &m.RequestObjectAlg), "the only algorithm of its request objects"},
		{"require_signed_request_object", "false", one(boolean, &m.RequireSigned), "true takes its requests as signed request objects only (RFC 9101)"},
		{"require_pushed_authorization_requests", "false", one(boolean, &m.RequirePAR), "true takes its requests pushed only (RFC 9126)"},
		{"dpop_bound_access_tokens", "false", one(boolean, &m.DPoPBound), "true gives it tokens that are bound to its key only (RFC 9449)"},
		{"request_uris", "", many(text, &m.RequestURIs), "the URLs of its request objects"},
		{"default_max_age", "", one(maxAge, &m.DefaultMaxAge), "after how many seconds people sign in anew"},
		{"require_auth_time", "false", one(boolean, &m.RequireAuthTime), "true puts auth_time into every ID token"},
		{"default_acr_values", "", many(text, &m.DefaultACRValues), "how people are to be authenticated, unless it asks otherwise"},
		{"initiate_login_uri", "", one(text, &m.InitiateLoginURI), "where somebody else may start a sign-in"},
		{"post_logout_redirect_uris", "", many(text, &m.PostLogoutURIs), "where people may be sent after they signed out"},
		{"frontchannel_logout_uri", "", one(text, &m.FrontLogoutURI), "is loaded in a hidden frame when a person signs out"},
		{"frontchannel_logout_session_required", "false", one(boolean, &m.FrontLogoutSID), "true tells it which session ended"},
		{"backchannel_logout_uri", "", one(text, &m.BackLogoutURI), "is sent a logout token when a person signs out"},
		{"backchannel_logout_session_required", "false", one(boolean, &m.BackLogoutSID), "true tells it which session ended"},
		{"client_uri", "", one(text, &m.ClientURI), "its home page"},
		{"logo_uri", "", one(text, &m.LogoURI), "its logo, which is kept and never fetched"},
		{"policy_uri", "", one(text, &m.PolicyURI), "what it says it does with people's data"},
		{"tos_uri", "", one(text, &m.TOSURI), "its terms of service"},
		{"contacts", "", many(text, &m.Contacts), "who is responsible for it"},
		{"software_id", "", one(text, &m.SoftwareID), "the name of its software"},
		{"software_version", "", one(text, &m.SoftwareVersion), "the version of its software"},
	}
}

// scopeSettings is the table of one scope's keys.
func scopeSettings(s *Scope) []setting {
	return []setting{
		{"name", "", one(text, &s.Name, scopeName),
			"the scope"},
		{"text", "", one(text, &s.Text),
			"what it permits, in plain words, as the consent page asks: Write posts in your name"},
		{"texts", "", languages(&s.Texts),
			"the same in other languages, as {de: In deinem Namen schreiben}"},
	}
}

// trustedIssuerSettings is the table of one trusted issuer's keys.
func trustedIssuerSettings(t *TrustedIssuer) []setting {
	return []setting{
		{"issuer", "", one(text, &t.Issuer, notEmpty),
			"the iss of its JWTs"},
		{"jwks_uri", "", one(text, &t.JWKSURI, notEmpty),
			"where its public keys are"},
		{"subjects", "", one(choice("email", "id"), &t.Subjects),
			"what of your users its sub is: email or id"},
		{"scopes", "", many(text, &t.Scopes, scopeName),
			"the scopes that its JWTs can give"},
		{"clients", "", many(text, &t.Clients, notEmpty),
			"the clients that may present its JWTs"},
	}
}
