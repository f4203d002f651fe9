package config

import (
	"errors"
	"strings"
	"testing"
)

// Each of these fails, with one problem whose text is the whole of want.
var badFiles = []struct {
	name, file, want string
}{
	{"a number that is no address", "listen: 4000", `c.yaml:1: listen: "4000": YAML does not read this as text; put it in quotes`},
	{"an address without a port", "listen: localhost", `c.yaml:1: listen: "localhost": write host:port, such as localhost:4000, :4000 or [::1]:4000`},
	{"a port that is none", "listen: ':99999'", `c.yaml:1: listen: ":99999": the port must be a number from 0 to 65535`},
	{"a setting without a value", "state:", `c.yaml:1: state: has no value; write one, or leave the line out for the default`},
	{"an empty state folder", "state: ''", `c.yaml:1: state: "": must not be empty`},
	{"a store of an unknown kind", "store: mysql://root:hunter2@db/x", `c.yaml:1: store: write bolt:PATH, etcd://host:2379/prefix or postgres://user@host/database`},
	{"a store with its password in the wrong place", "store: etcd://root:hunter2@db/x",
		`c.yaml:1: store: the user goes behind the prefix, and the password into a file: ?user=NAME&password_file=FILE`},
	{"a list where one value goes", "state: [a]", `c.yaml:1: state: a list: write a single value here: text`},
	{"one value where a list goes", "keys: {algs: ES256}", `c.yaml:1: keys.algs: "ES256": write a list, as [one, two]`},
	{"a value where a section goes", "\ntokens: 10m", `c.yaml:2: tokens: "10m": write settings here, as key: value`},
	{"a list at the top", "- a", `c.yaml:1: a list: write settings here, as key: value`},
	{"a mistyped key", "tokens:\n  acces_ttl: 5m", `c.yaml:2: tokens.acces_ttl: there is no such setting; do you mean tokens.access_ttl?`},
	{"a key in the wrong section", "access_ttl: 5m", `c.yaml:1: access_ttl: there is no such setting; do you mean tokens.access_ttl?`},
	{"a key like no other", "colour: red", `c.yaml:1: colour: there is no such setting`},
	{"an unknown key with a secret", "master_key: hunter2", `c.yaml:1: master_key: there is no such setting; do you mean master_key_file?`},
	{"a key twice", "state: a\nlisten: :1\nstate: b", `c.yaml:3: state: this key is there twice, first in line 1`},
	{"a section twice", "log: {level: info}\nlog: {format: json}", `c.yaml:2: log: this key is there twice, first in line 1`},
	{"two documents", "state: a\n---\nstate: b", `c.yaml:2: a second document begins; one is all there may be`},
	{"an alias", "tls: {cert: &a x, key: y}", `c.yaml:1: tls.cert: &a: anchors are not read; leave it out, or put the value in quotes`},
	{"a merge", "log:\n  <<: {level: info}", `c.yaml:2: log.<<: there is no such setting`},
	{"a tag", "state: !!binary dmFy", `c.yaml:1: state: !!binary: tags are not read; leave it out, or put the value in quotes`},
	{"a mapping as a key", "? {a: b}\n: c", `c.yaml:1: a mapping: a key must be a word`},
	{"broken YAML", "state: a\n  listen: b", `c.yaml:2: this is not YAML: mapping values are not allowed in this context`},
	{"a control character", `state: "a\x01"`, `c.yaml:1: state: "a\x01": write it without control characters and in UTF-8`},
	{"a duration without a unit", "tokens: {access_ttl: 10}", `c.yaml:1: tokens.access_ttl: "10": write a duration with its unit, such as 90s, 10m, 12h or 30d`},
	{"a part of a second", "tokens: {access_ttl: 1500ms}", `c.yaml:1: tokens.access_ttl: "1500ms": must be whole seconds, since exp in a token is`},
	{"a lifetime of nothing", "tokens: {access_ttl: 0}", `c.yaml:1: tokens.access_ttl: "0": must be from 1s to 1d`},
	{"access longer than refresh", "tokens:\n  access_ttl: 2h\n  refresh_ttl: 1h",
		`c.yaml:2: tokens.access_ttl: "2h": must not be longer than tokens.refresh_ttl, which is 1h (c.yaml:3)`},
	{"refresh longer than its most", "tokens: {refresh_max: 7d}",
		`default: tokens.refresh_ttl: "30d": must not be longer than tokens.refresh_max, which is 7d (c.yaml:1)`},
	{"a grace longer than refresh", "tokens: {refresh_ttl: 10m, refresh_grace: 10m}",
		`c.yaml:1: tokens.refresh_grace: "10m": must be shorter than tokens.refresh_ttl, which is 10m (c.yaml:1)`},
	{"a word that is no choice", "registration: never", `c.yaml:1: registration: "never": write open, closed or invitation`},
	{"a quoted number", "passwords: {bcrypt_cost: '12'}", `c.yaml:1: passwords.bcrypt_cost: "12": write it as a number, without quotes`},
	{"a burst beyond what a duration holds", "throttle: {register_burst: 1000000000}", `c.yaml:1: throttle.register_burst: "1000000000": must be from 1 to 100000`},
	{"an octal number", "throttle: {free: 010}", `c.yaml:1: throttle.free: "010": write a whole number in plain digits`},
	{"a yes", "insecure_issuer: yes", `c.yaml:1: insecure_issuer: "yes": write it as a true or false, without quotes`},
	{"a cost too low", "passwords: {bcrypt_cost: 4}", `c.yaml:1: passwords.bcrypt_cost: "4": must be from 10 to 15`},
	{"a size of another family", "limits: {body: 64kb}", `c.yaml:1: limits.body: "64kb": write a size in bytes, such as 65536, 64KiB or 1MiB`},
	{"a symmetric algorithm", "keys: {algs: [ES256, HS256]}", `c.yaml:1: keys.algs: "ES256, HS256": "HS256": write ES256, RS256, PS256 or EdDSA`},
	{"a key size that nobody should use", "keys: {algs: [ES256], rsa_bits: 1024}", `c.yaml:1: keys.rsa_bits: "1024": must be 2048, 3072 or 4096`},
	{"no algorithms", "keys: {algs: []}", `c.yaml:1: keys.algs: "": name at least one algorithm, such as ES256`},
	{"an algorithm twice", "keys: {algs: [ES256, ES256]}", `c.yaml:1: keys.algs: "ES256, ES256": "ES256" is there twice`},
	{"no audiences", "audiences: []", `c.yaml:1: audiences: "": name at least one audience, such as api`},
	{"an audience twice", "audiences:\n- name: api\n- name: api", `c.yaml:3: audiences[1].name: "api": this audience is there twice`},
	{"an audience without a name", "audiences:\n- alg: ES256", `c.yaml:2: audiences[0].name: an audience needs a name`},
	{"an audience with a comma", "audiences: ['a,b']", `c.yaml:1: audiences[0].name: "a,b": must be 1 to 255 visible ASCII characters without a comma`},
	{"an audience with an unknown key", "audiences:\n- name: api\n  algo: ES256",
		`c.yaml:3: audiences[0].algo: there is no such setting; do you mean audiences[0].alg?`},
	{"an audience whose alg has no keys", "keys:\n  algs: [ES256]\naudiences:\n- name: api\n  alg: RS256",
		`c.yaml:5: audiences[0].alg: "RS256": must be one of keys.algs, which are ES256`},
	{"a certificate without its key", "issuer: https://a.example\ntls: {cert: a.pem}",
		`c.yaml:2: tls.cert: "a.pem": tls.cert and tls.key go together; set both or neither (tls.key is "")`},
	{"TLS for a plain issuer", "tls: {cert: a.pem, key: b.pem}",
		`default: issuer: "http://localhost:4000": write https, since tls.cert makes the issuer speak TLS`},
	{"a proxy that is no address", "trusted_proxies: [proxy]",
		`c.yaml:1: trusted_proxies: "proxy": write an address or a network, such as 10.0.0.7, 10.0.0.0/8 or fd00::/8`},
	{"everyone as a proxy", "trusted_proxies: [0.0.0.0/0]",
		`c.yaml:1: trusted_proxies: "0.0.0.0/0": this trusts everyone, so anyone could claim any address; name your own proxies`},
	{"an address beyond its network", "trusted_proxies: [10.1.2.3/8]",
		`c.yaml:1: trusted_proxies: "10.1.2.3/8": the address goes beyond the network; write 10.0.0.0/8, or the one address without /8`},
	{"an issuer without a scheme", "issuer: id.example.com", `c.yaml:1: issuer: "id.example.com": write an absolute URL, such as https://id.example.com`},
	{"an issuer with a slash", "issuer: https://id.example.com/", `c.yaml:1: issuer: "https://id.example.com/": must not end in a slash; write https://id.example.com`},
	{"an issuer with a query", "issuer: https://id.example.com?a=b", `c.yaml:1: issuer: "https://id.example.com?a=b": must have no query and no fragment`},
	{"an issuer with an empty fragment", "issuer: 'https://id.example.com#'", `c.yaml:1: issuer: "https://id.example.com#": must have no query and no fragment`},
	{"an issuer with a user", "issuer: https://me@id.example.com", `c.yaml:1: issuer: "https://me@id.example.com": must name no user or password`},
	{"an issuer in capitals", "issuer: https://ID.example.com", `c.yaml:1: issuer: "https://ID.example.com": write scheme and host in lower case`},
	{"an issuer with the usual port", "issuer: https://id.example.com:443", `c.yaml:1: issuer: "https://id.example.com:443": leave out :443, which every browser leaves out too`},
	{"an issuer with dots in its path", "issuer: https://a.example/x/../y",
		`c.yaml:1: issuer: "https://a.example/x/../y": must be spelled plainly, without .., doubled slashes or escapes`},
	{"an issuer that is no host", "issuer: http://1.2.3", `c.yaml:1: issuer: "http://1.2.3": the host is neither a name nor an address`},
	{"a plain issuer on another host", "issuer: http://id.example.com",
		`c.yaml:1: issuer: "http://id.example.com": passwords and tokens would travel in the clear; write https, or set insecure_issuer: true if you know that nobody listens`},
	{"an origin with a path", "browser: {origins: ['http://localhost:3000/']}",
		`c.yaml:1: browser.origins: "http://localhost:3000/": an origin is scheme, host and port only; write http://localhost:3000`},
	{"any origin", "browser: {origins: ['*']}",
		`c.yaml:1: browser.origins: "*": name each origin exactly; a wildcard would let strangers' pages act for signed-in people`},
	{"the null origin", "browser: {origins: ['null']}",
		`c.yaml:1: browser.origins: "null": write an absolute URL, such as https://id.example.com`},
	{"an origin of another scheme", "browser: {origins: ['https://localhost:3000']}",
		`c.yaml:1: browser.origins: "https://localhost:3000": "https://localhost:3000" is https while the issuer is http, so browsers take them for different sites and never send the session cookie`},
	{"an origin by address beside a name", "browser: {origins: ['http://127.0.0.1:3000']}",
		`c.yaml:1: browser.origins: "http://127.0.0.1:3000": "http://127.0.0.1:3000" is of the site 127.0.0.1 while the issuer is of localhost, so browsers never send the session cookie; put both under one domain, such as app.example.com and id.example.com`},
	{"a stranger under the same registry", "issuer: https://id.github.io\nbrowser: {origins: ['https://app.github.io']}",
		`c.yaml:2: browser.origins: "https://app.github.io": "https://app.github.io" is of the site app.github.io while the issuer is of id.github.io, so browsers never send the session cookie; put both under one domain, such as app.example.com and id.example.com`},

	{"a client without an id", "clients:\n- client_name: A", `c.yaml:2: clients[0].id: a client needs an id`},
	{"a client that is a word", "clients: [webapp]", `c.yaml:1: clients[0]: "webapp": write settings here, as key: value`},
	{"clients that are one mapping", "clients: {id: a}", `c.yaml:1: clients: a mapping: write a list, as [one, two]`},
	{"a client twice", "clients:\n- {id: a, redirect_uris: ['https://a.example/']}\n- {id: a, redirect_uris: ['https://a.example/']}",
		`c.yaml:3: clients[1].id: "a": this client is there twice`},
	{"a client that looks like a user", "clients:\n- {id: abcdefghijklmnopqrstuvwxya, redirect_uris: ['https://a.example/']}",
		`c.yaml:2: clients[0].id: "abcdefghijklmnopqrstuvwxya": looks like the id of a user; choose another`},
	{"the built-in client", "clients:\n- {id: signet, redirect_uris: ['https://a.example/']}", `c.yaml:2: clients[0].id: "signet": is the built-in client of the JSON API; choose another`},
	{"a mistyped key of a client", "clients:\n- id: a\n  redirect_uri: ['https://a.example/']\n  grant_types: [refresh_token]",
		`c.yaml:3: clients[0].redirect_uri: there is no such setting; do you mean clients[0].redirect_uris?`},
	{"a client without redirect URIs", "clients:\n- id: a", `c.yaml:2: clients[0].redirect_uris: at least one is needed for these response types`},
	{"a redirect URI in the clear", "clients:\n- id: a\n  redirect_uris: ['https://a.example/', 'http://a.example/']",
		`c.yaml:3: clients[0].redirect_uris: "https://a.example/, http://a.example/": the 2nd: must be https: an answer would travel in the clear`},
	{"a short secret", "clients:\n- id: a\n  secret: hunter2\n  redirect_uris: ['https://a.example/']",
		`c.yaml:3: clients[0].secret: must have at least 32 bytes; make one with: openssl rand -base64 33`},
	{"a secret that is a number", "clients:\n- id: a\n  secret: 4711\n  redirect_uris: ['https://a.example/']",
		`c.yaml:3: clients[0].secret: YAML does not read this as text; put it in quotes`},
	{"a secret that looks like an anchor", "clients:\n- id: a\n  secret: &hunter2 x\n  redirect_uris: ['https://a.example/']",
		`c.yaml:3: clients[0].secret: anchors are not read; leave it out, or put the value in quotes`},
	{"a secret twice", "clients:\n- id: a\n  secret: " + long + "\n  secret_file: b\n  redirect_uris: ['https://a.example/']",
		`c.yaml:3: clients[0].secret: one place for the secret is enough: secret, secret_file or secret_sha256`},
	{"a secret of a public client", "clients:\n- id: a\n  secret: " + long + "\n  token_endpoint_auth_method: none\n  redirect_uris: ['https://a.example/']",
		`c.yaml:3: clients[0].secret: a client whose token_endpoint_auth_method is none has no secret`},
	{"no secret of one that needs it", "clients:\n- id: a\n  token_endpoint_auth_method: client_secret_post\n  redirect_uris: ['https://a.example/']",
		`c.yaml:3: clients[0].token_endpoint_auth_method: "client_secret_post": needs a secret: set secret, secret_file or secret_sha256`},
	{"a hash for a MAC", "clients:\n- id: a\n  token_endpoint_auth_method: client_secret_jwt\n  secret_sha256: " + hash + "\n  redirect_uris: ['https://a.example/']",
		`c.yaml:3: clients[0].token_endpoint_auth_method: "client_secret_jwt": needs the secret itself: set secret or secret_file`},
	{"a hash that is none", "clients:\n- id: a\n  secret_sha256: abc\n  redirect_uris: ['https://a.example/']",
		`c.yaml:3: clients[0].secret_sha256: must be a SHA-256 in 64 hexadecimal digits, as sha256sum writes it`},
	{"a method that nobody knows", "clients:\n- id: a\n  token_endpoint_auth_method: client_secret\n  redirect_uris: ['https://a.example/']",
		`c.yaml:3: clients[0].token_endpoint_auth_method: "client_secret": must be client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt or none`},
	{"keys that are private", "clients:\n- id: a\n  token_endpoint_auth_method: private_key_jwt\n  jwks: {keys: [{kty: oct, k: AAAA}]}\n  redirect_uris: ['https://a.example/']",
		`c.yaml:4: clients[0].jwks: not a usable JWK Set: it holds a private or symmetric key: entry 0`},
	{"keys that are text", "clients:\n- id: a\n  jwks: mine\n  redirect_uris: ['https://a.example/']", `c.yaml:3: clients[0].jwks: write a mapping, or its JSON in quotes`},
	{"names that are a list", "clients:\n- id: a\n  client_names: [A]\n  redirect_uris: ['https://a.example/']", `c.yaml:3: clients[0].client_names: write texts by language, as {de: ein Text}`},
	{"an audience of a client that is not there", "clients:\n- id: a\n  audiences: [b]\n  redirect_uris: ['https://a.example/']",
		`c.yaml:3: clients[0].audiences: "b": "b" is not one of the audiences, which are api`},
	{"a scope of a client that is not there", "clients:\n- id: a\n  scope: openid posts\n  redirect_uris: ['https://a.example/']",
		`c.yaml:3: clients[0].scope: "openid posts": there is no scope posts`},
	{"a scope twice", "scopes: [a, b, a]", `c.yaml:1: scopes[2].name: "a": this scope is there twice`},
	{"a scope that is always there", "scopes:\n- name: email", `c.yaml:2: scopes[0].name: "email": is a scope of OpenID Connect, which is always there`},
	{"a scope with a space", "scopes: ['a b']", `c.yaml:1: scopes[0].name: "a b": must be 1 to 255 visible ASCII characters without a comma, " and \`},
	{"a trusted issuer without keys", "trusted_issuers:\n- {issuer: 'https://ci.example', subjects: id}", `c.yaml:2: trusted_issuers[0].jwks_uri: is missing`},
	{"a trusted issuer of other subjects", "trusted_issuers:\n- {issuer: 'https://ci.example', subjects: name, jwks_uri: 'https://ci.example/jwks'}",
		`c.yaml:2: trusted_issuers[0].subjects: "name": write email or id`},
	{"a trusted issuer that gives a scope that is not there", "trusted_issuers:\n- {issuer: 'https://ci.example', subjects: id, jwks_uri: 'https://ci.example/jwks', scopes: [x]}",
		`c.yaml:2: trusted_issuers[0].scopes: "x": "x" is not one of the scopes, which are openid, profile, email, address, phone, offline_access`},
}

const (
	long = "0123456789abcdef0123456789abcdef"
	hash = long + long
)

func TestABadFileSaysWhereWhatAndHow(t *testing.T) {
	for _, tt := range badFiles {
		_, err := Parse("c.yaml", []byte(tt.file+"\n"), nil)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s was accepted (%v)", tt.name, err)
			continue
		}
		if got := e.Problems[0].String(); len(e.Problems) != 1 || got != tt.want {
			t.Errorf("%s gave\n  %v\nwant\n  %s", tt.name, e, tt.want)
		}
	}
}

func TestABadEnvironmentNamesItself(t *testing.T) {
	for _, tt := range []struct{ env, want string }{
		{"SIGNET_TOKENS_ACCESS_TTL=10", `SIGNET_TOKENS_ACCESS_TTL: tokens.access_ttl: "10": write a duration with its unit, such as 90s, 10m, 12h or 30d`},
		{"SIGNET_ACCESS_TTL=10m", `SIGNET_ACCESS_TTL: there is no such setting; do you mean SIGNET_TOKENS_ACCESS_TTL?`},
		{"SIGNET_LISTENS=:1", `SIGNET_LISTENS: there is no such setting; do you mean SIGNET_LISTEN?`},
		{"SIGNET_MASTERKEY=hunter2", `SIGNET_MASTERKEY: there is no such setting; do you mean SIGNET_MASTER_KEY?`},
		{"SIGNET_KEYS_ALGS=", `SIGNET_KEYS_ALGS: keys.algs: "": name at least one algorithm, such as ES256`},
		{"SIGNET_AUDIENCES=api,,x", `SIGNET_AUDIENCES: audiences: "api,,x": "": the name must be 1 to 255 visible ASCII characters without a comma`},
		{"SIGNET_CLIENTS=a", `SIGNET_CLIENTS: clients: "a": clients are written in the file, as mappings`},
		{"SIGNET_SCOPES=a,a", `SIGNET_SCOPES: scopes[1].name: "a,a": this scope is there twice`},
		{"SIGNET_AUDIENCES=api,api", `SIGNET_AUDIENCES: audiences[1].name: "api,api": this audience is there twice`},
	} {
		_, err := Parse("", nil, []string{tt.env})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s was accepted (%v)", tt.env, err)
			continue
		}
		if got := e.Problems[0].String(); len(e.Problems) != 1 || got != tt.want {
			t.Errorf("%s gave\n  %v\nwant\n  %s", tt.env, e, tt.want)
		}
	}
}

func TestAllErrorsAreListedTogether(t *testing.T) {
	file := "listen: 4000\ntokens:\n  access_ttl: soon\n  refresh_ttl: 5m\ncolour: red\n"
	_, err := Parse("c.yaml", []byte(file), []string{"SIGNET_LOG_LEVEL=loud"})
	if err == nil {
		t.Fatal("accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 5 { // and nothing about a default access_ttl beside refresh_ttl
		t.Errorf("got %d lines:\n%v", len(lines), err)
	}
	for i, where := range []string{"c.yaml:1", "c.yaml:3", "c.yaml:5", "SIGNET_LOG_LEVEL"} {
		if !strings.HasPrefix(lines[i+1], "  "+where+": ") {
			t.Errorf("line %d is %s, want %s", i+1, lines[i+1], where)
		}
	}
}

func TestAnUnknownNameNeverShowsItsValue(t *testing.T) {
	_, err := Parse("c.yaml", []byte("master_key: hunter2\n"), []string{"SIGNET_MASTERKEY=hunter2"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// Whatever is wrong with or around a secret, it is not said.
func TestNoErrorShowsASecret(t *testing.T) {
	const secret = "hunter2hunter2hunter2hunter2hunter2"
	for _, line := range []string{
		"secret: " + secret[:8], "secret: &" + secret, "secret: *" + secret, "secret: !" + secret + " x", "secret: [" + secret + "]",
		"secret: {" + secret + ": x}", "secret: " + secret + "\n  secret: " + secret, "secret: " + secret + "\n  token_endpoint_auth_method: none",
		"secret: " + secret + "\n  secret_file: x", "secret_sha256: " + secret, "secret: \"" + secret + "\\x01\"", "client_secret: " + secret, "secret: |\n   " + secret,
	} {
		_, err := Parse("c.yaml", []byte("clients:\n- id: a\n  "+line+"\n"), nil)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s\ngave %v", line, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range badFiles {
		f.Add(tt.file, "")
	}
	f.Add("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]", "SIGNET_BROWSER_ORIGINS=http://localhost")
	f.Fuzz(func(t *testing.T, file, env string) {
		c, err := Parse("c.yaml", []byte(file), []string{env})
		var e *Error
		if err != nil && (!errors.As(err, &e) || len(e.Problems) == 0) {
			t.Fatalf("an error of another kind: %v", err)
		}
		if err == nil && (len(c.Audiences) == 0 || len(c.Keys.Algs) == 0 || c.Tokens.AccessTTL <= 0 || c.Issuer == "") {
			t.Fatalf("accepted %+v", c)
		}
	})
}
