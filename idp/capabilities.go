package main

import (
	"signet/idp/internal/claims"
	"signet/idp/internal/config"
	"signet/idp/internal/jose"
	"signet/idp/internal/pages"
	"signet/idp/internal/request"
	"signet/idp/internal/wellknown"
	"signet/idp/internal/wire"
	"signet/resource/dpop"
)

// capabilities is what the metadata says of this issuer.
func capabilities(c config.Config) wellknown.Capabilities {
	can := wellknown.Capabilities{
		Issuer: c.Issuer, Algs: c.Keys.Algs, AssertionAlgs: jose.Asymmetric, SecretAlgs: []string{"HS256"}, DPoPAlgs: dpop.Algs(),
		Scopes:    []string{wire.ScopeOpenID, wire.ScopeProfile, wire.ScopeEmail, wire.ScopeAddress, wire.ScopePhone, wire.ScopeOfflineAccess},
		ACRValues: []string{request.ACR}, Claims: claims.Supported(), TrustsIssuers: len(c.TrustedIssuers) > 0,
		Registration: c.ClientRegistration != config.ClientRegistrationOff, Documents: len(c.ClientDocuments) > 0,
		SignUp: c.Registration != config.RegistrationClosed, RequirePushed: c.OAuth.RequirePushed, CheckSession: c.OAuth.SessionManagement,
	}
	for _, l := range pages.Languages() {
		can.Locales = append(can.Locales, string(l))
	}
	for _, s := range c.Scopes {
		can.Scopes = append(can.Scopes, s.Name)
	}
	return can
}
