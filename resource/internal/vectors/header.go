package vectors

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
)

func headers() [][]Vector {
	return [][]Vector{goodHeaders(), noAlgorithms(), macs(), otherAlgorithms(), types(), brought(), kids(), headerJSON()}
}

// with is a token under a header with edits.
func with(name string, edits ...string) Vector { return under(name, head(edits...)) }

// under is a token under a header that was written by hand.
func under(name, header string) Vector { return Vector{Name: name, Token: token(header, body())} }

func goodHeaders() []Vector {
	return slices.Concat(
		group("RFC 9068, section 2.1", "What the bad ones were made from.", OK,
			with("a good header")),
		group("RFC 7515, section 4.1.9", "A typ is a media type: its case and the prefix application/ do not count.", OK,
			with("typ AT+JWT", `typ="AT+JWT"`),
			with("typ application/at+jwt", `typ="application/at+jwt"`),
			with("typ Application/At+Jwt", `typ="Application/At+Jwt"`)),
		group("RFC 7515, section 4", "Parameters that are not understood are ignored, and so are those that only describe the key.", OK,
			with("an unknown parameter", `x={"a":[1,null,"\u00e9"]}`),
			with("an x5t", `x5t="AAAA"`),
			with("an x5t#S256", `x5t#S256="AAAA"`),
			with("a cty", `cty="JWT"`)),
		group("RFC 8259", "The same JSON may be spaced and escaped otherwise.", OK,
			under("white space in the header", " {\r\n\t\"alg\" : \"ES256\" , \"kid\":\"es\",\"typ\":\"at+jwt\"}\n"),
			under("names in another case beside the right ones", `{"ALG":"none","alg":"ES256","Kid":"rs","kid":"es","TYP":"JWT","typ":"at+jwt","CRIT":["x"],"Jwk":{}}`),
			under("an empty name", `{"":"none","alg":"ES256","kid":"es","typ":"at+jwt"}`),
			under("names with a NUL beside the right ones", `{"alg":"ES256","alg\u0000":"none","kid":"es","typ":"at+jwt"}`),
			under("members back to front", `{"typ":"at+jwt","kid":"es","alg":"ES256"}`),
			under("the name of alg escaped", `{"\u0061lg":"ES256","kid":"es","typ":"at+jwt"}`),
			under("the value of alg escaped", `{"alg":"\u0045S256","kid":"es","typ":"at+jwt"}`)))
}

func noAlgorithms() []Vector {
	var all []Vector
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "none ", " none", "none\\u0000", ""} {
		all = append(all,
			Vector{Name: `alg "` + alg + `" without a signature`, Token: compact(head(`alg="`+alg+`"`), body(), fixed(nil))},
			with(`alg "`+alg+`" with a signature of ES256`, `alg="`+alg+`"`))
	}
	return group("RFC 8725, section 3.2", "A token without a signature is anybody's.", "ErrAlgorithm", append(all,
		Vector{Name: "no alg, and no signature", Token: compact(head("-alg"), body(), fixed(nil))}, with("no alg", "-alg"), with("no alg but an ALG", "-alg", `ALG="ES256"`))...)
}

// macs are signed with what everybody knows.
func macs() []Vector {
	spki := must(x509.MarshalPKIXPublicKey(&esKey.PublicKey))
	rsaSPKI := must(x509.MarshalPKIXPublicKey(&rsKey.PublicKey))
	block := func(kind string, raw []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}) }
	point := must(esKey.PublicKey.Bytes())
	mac := func(name, kid string, secret []byte) Vector {
		return Vector{Name: "HS256 with " + name + " as the secret", Token: compact(headFor("HS256", kid), body(), func(input string) []byte {
			h := hmac.New(sha256.New, secret)
			h.Write([]byte(input))
			return h.Sum(nil)
		})}
	}
	return group("RFC 8725, section 3.1", "A verifier that asks the header how to verify takes the public key for a secret.", "ErrAlgorithm",
		mac("the public key in DER", "es", spki),
		mac("the public key in PEM", "es", block("PUBLIC KEY", spki)),
		mac("the public key in PEM, without its last line break", "es", []byte(strings.TrimRight(string(block("PUBLIC KEY", spki)), "\n"))),
		mac("the JWK", "es", []byte(ecJWK(esKey, "es"))),
		mac("the JWK Set", "es", published()),
		mac("the point of the public key", "es", point),
		mac("the x of the public key", "es", point[1:33]),
		mac("the x of the public key in base64url", "es", []byte(b64(point[1:33]))),
		mac("the RSA key in DER", "rs", rsaSPKI),
		mac("the RSA key in PEM", "rs", block("PUBLIC KEY", rsaSPKI)),
		mac("the RSA key in PKCS #1 and PEM", "rs", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsKey.PublicKey))),
		mac("the modulus", "rs", rsKey.N.Bytes()),
		mac("the Ed25519 key", "ed", edKey[32:]),
		mac("nothing", "es", nil),
		mac("the kid", "es", []byte("es")),
		mac("the word secret", "es", []byte("secret")))
}

func otherAlgorithms() []Vector {
	var unknown []Vector
	for _, alg := range []string{"HS384", "HS512", "ES384", "ES512", "ES256K", "RS1", "RS384", "RS512", "PS384", "PS512", "Ed25519", "Ed448", "ESP256",
		"es256", "Es256", "ES256 ", "ES-256", "SHA256withECDSA", "ML-DSA-44", "RSA-OAEP", "dir", "A128KW", `ES256\u0000`, "\uff25S256"} {
		unknown = append(unknown, with(`alg "`+alg+`"`, `alg="`+alg+`"`))
	}
	notAllowed := by("an alg that this verifier does not allow", "RS256", "rs", rs256(rsKey))
	notAllowed.Algs = []string{"ES256", "EdDSA"}
	return slices.Concat(
		group("RFC 8725, section 3.1", "Only what is on the list is an algorithm. Names are compared byte by byte (RFC 7515, section 4.1.1).", "ErrAlgorithm", append(unknown, notAllowed)...),
		group("RFC 8725, section 3.1", "The key says which algorithm it is for. The header may only agree.", "ErrAlgorithm",
			by("RS256 under a key for ES256", "RS256", "es", rs256(rsKey)),
			by("EdDSA under a key for ES256", "EdDSA", "es", eddsa(edKey)),
			by("ES256 under a key for EdDSA", "ES256", "ed", es256(esKey)),
			by("ES256 under a key for RS256", "ES256", "rs", es256(esKey)),
			by("PS256 under a key for RS256, rightly signed", "PS256", "rs", ps256(rsKey)),
			by("RS256 under a key for PS256, rightly signed", "RS256", "ps", rs256(psKey)),
			by("EdDSA under a key for RS256", "EdDSA", "rs", eddsa(edKey))))
}

func types() []Vector {
	bad := []Vector{with("no typ", "-typ"), with("no typ but a Typ", "-typ", `Typ="at+jwt"`), with("no typ but a cty", "-typ", `cty="at+jwt"`)}
	for _, typ := range []string{"", "JWT", "jwt", "JOSE", "id_token+jwt", "logout+jwt", "statuslist+jwt", "dpop+jwt", "token-introspection+jwt", "secevent+jwt",
		"at+jwt ", " at+jwt", "at-jwt", "at+JWS", "at+jwt;v=1", "application/", "application/application/at+jwt", "text/at+jwt", "application/jwt", `at+jwt\u0000`, "at+jw\u0442", "\u00e0t+jwt"} {
		bad = append(bad, with(`typ "`+typ+`"`, `typ="`+typ+`"`))
	}
	return group("RFC 9068, section 4", "No other kind of token passes for an access token (RFC 8725, section 3.11).", "ErrTyp", bad...)
}

// brought are keys and extensions that a token brings along, under the
// signature of the right key, and of the key that it brings.
func brought() []Vector {
	jwk := ecJWK(strange, "es")
	own := func(name string, edits ...string) Vector {
		return Vector{Name: name, Token: compact(head(edits...), body(), es256(strange))}
	}
	return slices.Concat(
		group("RFC 8725, section 3.10", "A token does not say which key it is to be believed under.", "ErrHeader",
			own("a jwk that fits the signature", "jwk="+jwk),
			own("a jwk that fits, and no kid", "-kid", "jwk="+jwk),
			with("a jwk under a good signature", "jwk="+jwk),
			with("a jwk that is null", "jwk=null"),
			with("a jwk that is empty", "jwk={}"),
			own("a jku of a stranger", `jku="https://evil.example/jwks.json"`),
			with("a jku of the issuer", `jku="https://id.example/.well-known/jwks.json"`),
			with("a jku that is a file", `jku="file:///etc/passwd"`),
			own("an x5u", `x5u="https://evil.example/cert.pem"`),
			own("an x5c", `x5c=["MIIB"]`),
			with("an x5c that is empty", `x5c=[]`)),
		group("RFC 7515, section 4.1.11", "Whoever does not understand an extension that is critical refuses; none is understood.", "ErrHeader",
			with("a crit of an unknown extension", `crit=["http://example.com/UNDEFINED"]`, `http://example.com/UNDEFINED=true`),
			with("a crit that is empty", `crit=[]`),
			with("a crit that is null", `crit=null`),
			with("a crit that is a string", `crit="exp"`),
			with("a crit that names what is not there", `crit=["x"]`),
			with("a crit that names alg", `crit=["alg"]`),
			with("a crit that names exp", `crit=["exp"]`, "exp=1800000300")),
		group("RFC 7797, section 6; RFC 7516, section 4.1", "Who understands these reads another payload than who does not.", "ErrHeader",
			with("b64 false and critical", "b64=false", `crit=["b64"]`),
			with("b64 false and not critical", "b64=false"),
			with("b64 true and critical", "b64=true", `crit=["b64"]`),
			with("b64 true and not critical", "b64=true"),
			with("a zip", `zip="DEF"`),
			with("an enc, which is for encrypted tokens", `enc="A128GCM"`)))
}

func kids() []Vector {
	var unknown []Vector
	for _, kid := range []string{"ES", "es ", " es", `es\u0000`, "e", "ess", "../../../../dev/null", "/proc/self/environ", "https://evil.example/key", "es' OR '1'='1", "es' UNION SELECT 'AAAA", "es|cat", "$(id)", "*", "es,rs", "\u0435s", strings.Repeat("k", 4000)} {
		name := kid
		if len(name) > 100 {
			name = "of 4000 letters"
		}
		unknown = append(unknown, with(`kid "`+name+`"`, `kid="`+kid+`"`))
	}
	return slices.Concat(
		group("RFC 9068, section 4", "Keys are found by their kid, compared byte by byte, and a kid is never a path, a query or a URL (RFC 8725, section 3.10).", "ErrUnknownKey", unknown...),
		group("RFC 7515, section 4.1.4", "An empty name is no name.", "ErrHeader",
			with("an empty kid", `kid=""`)),
		group("RFC 7515, section 6", "The kid of another key of the same algorithm names that one.", "ErrSignature",
			Vector{Name: "the kid of another key of the issuer", JWKS: set(ecJWK(esKey, "es"), ecJWK(strange, "second")), Token: token(head(`kid="second"`), body())}))
}

// headerJSON is what is wrong with the header as JSON.
func headerJSON() []Vector {
	good := head()
	inside := strings.TrimSuffix(good, "}")
	return slices.Concat(
		group("RFC 7515, section 4", "Names are unique. Two readers that pick different ones see different tokens.", "ErrMalformed",
			under("alg twice", inside+`,"alg":"none"}`),
			under("alg twice and the same", inside+`,"alg":"ES256"}`),
			under("alg twice, once escaped", inside+`,"\u0061lg":"none"}`),
			under("alg first none", `{"alg":"none",`+good[1:]),
			under("kid twice", inside+`,"kid":"rs"}`),
			under("typ twice", inside+`,"typ":"JWT"}`),
			under("an unknown parameter twice", inside+`,"x":1,"x":1}`),
			under("a name twice deep inside", inside+`,"x":[{"a":{"b":1,"b":2}}]}`)),
		group("RFC 7515, section 4.1", "alg, kid and typ are strings.", "ErrMalformed",
			with("alg as a number", "alg=256"),
			with("alg as null", "alg=null"),
			with("alg as a list", `alg=["ES256"]`),
			with("alg as an object", `alg={"ES256":1}`),
			with("alg as true", "alg=true"),
			with("kid as a number", "kid=1"),
			with("kid as null", "kid=null"),
			with("kid as a list", `kid=["es"]`),
			with("kid as an object", `kid={"es":"es"}`),
			with("typ as a number", "typ=1"),
			with("typ as null", "typ=null"),
			with("typ as a list", `typ=["at+jwt"]`)),
		group("RFC 7515, section 5.2", "A header is one JSON object, and nothing else (RFC 8259).", "ErrMalformed",
			under("an empty header", ""),
			under("a header that is an array", "["+good+"]"),
			under("a header that is a string", `"ES256"`),
			under("a header that is null", "null"),
			under("a header that is a number", "1"),
			under("a header that is cut off", inside),
			under("a header and another", good+"{}"),
			under("a header and a comma", good+","),
			under("a header and a letter", good+"x"),
			under("a header and a NUL", good+"\x00"),
			under("a NUL before the header", "\x00"+good),
			under("a byte order mark", "\ufeff"+good),
			under("a form feed after the header", good+"\f"),
			under("a no-break space after the header", good+"\u00a0"),
			under("a comma at the end", inside+",}"),
			under("two commas", `{"alg":"ES256",,"kid":"es","typ":"at+jwt"}`),
			under("a comment", inside+"/* x */}"),
			under("a comment to the end of the line", "{// x\n"+good[1:]),
			under("single quotes", strings.ReplaceAll(good, `"`, "'")),
			under("names without quotes", `{alg:"ES256",kid:"es",typ:"at+jwt"}`),
			under("a hash comment", "#x\n"+good),
			under("an unknown parameter that is NaN", inside+`,"x":NaN}`),
			under("an unknown parameter that is infinite", inside+`,"x":Infinity}`),
			under("an unknown number with a leading zero", inside+`,"x":01}`),
			under("an unknown number with a plus", inside+`,"x":+1}`),
			under("an unknown number in hexadecimal", inside+`,"x":0x1}`),
			under("a line break in a string", inside+",\"x\":\"a\nb\"}"),
			under("a tab in a string", inside+",\"x\":\"a\tb\"}"),
			under("an unknown escape", inside+`,"x":"\x41"}`),
			under("a name that is no string", inside+`,1:1}`)),
		group("RFC 8725, section 3.7; RFC 8259, section 8", "JSON is UTF-8, and a lone surrogate is no character: readers disagree on what it is.", "ErrMalformed",
			under("a kid that is not UTF-8", "{\"alg\":\"ES256\",\"kid\":\"es\xff\",\"typ\":\"at+jwt\"}"),
			under("an overlong encoding", "{\"alg\":\"ES256\",\"kid\":\"\xc1\xa5s\",\"typ\":\"at+jwt\"}"),
			under("a surrogate in UTF-8", "{\"alg\":\"ES256\",\"kid\":\"\xed\xa0\x80\",\"typ\":\"at+jwt\"}"),
			under("a lone high surrogate", inside+`,"x":"\ud800"}`),
			under("a lone low surrogate", inside+`,"x":"\udc00"}`),
			under("a high surrogate and a letter", inside+`,"x":"\ud800a"}`),
			under("a name that is a lone surrogate", inside+`,"\ud800":1}`),
			under("a header in UTF-16", utf16(good)),
			under("a header in ISO 8859-1", inside+",\"x\":\"\xe9\"}")),
		group("RFC 8725, section 3.7", "Nobody's header is that deep, and a reader that follows it may run out of stack.", "ErrMalformed",
			under("arrays nested too deep", inside+`,"x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+"}"),
			under("objects nested too deep", inside+`,"x":`+strings.Repeat(`{"a":`, 100)+"1"+strings.Repeat("}", 100)+"}"),
			under("arrays nested as deep as a token is long", inside+`,"x":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+"}"),
			under("arrays that never end", inside+`,"x":`+strings.Repeat("[", 10000))))
}

func utf16(s string) string {
	var out strings.Builder
	for _, r := range s {
		out.WriteByte(0)
		out.WriteByte(byte(r))
	}
	return out.String()
}
