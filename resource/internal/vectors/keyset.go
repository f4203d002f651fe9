package vectors

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"math/big"
	"slices"
	"strings"
)

func keySets() [][]Vector {
	return [][]Vector{goodSets(), notForThis(), malformedEC(), malformedRSA(), malformedEd(), sameKid(), noKid(), noSets()}
}

// The tokens whose keys are spoiled: all are signed rightly.
var (
	esBad = token(headFor("ES256", "bad"), body())
	rsBad = compact(headFor("RS256", "bad"), body(), rs256(rsKey))
	edBad = compact(headFor("EdDSA", "bad"), body(), eddsa(edKey))
)

// beside is a token under one entry of a set, beside a good one.
func beside(name, entry, tok string) Vector {
	return Vector{Name: name, JWKS: set(ecJWK(esKey, "es"), entry), Token: tok}
}

func esEntry(name string, edits ...string) Vector {
	return beside(name, ecJWK(esKey, "bad", edits...), esBad)
}

func goodSets() []Vector {
	good := token(head(), body())
	return slices.Concat(
		group("RFC 7517, section 5", "An entry that cannot be used is left out, and drops no other.", OK,
			beside("a good key beside one of an unknown type", `{"kty":"AKP","kid":"x","alg":"ML-DSA-44","pub":"AAAA"}`, good),
			beside("a good key beside one that is private", ecJWK(strange, "x", `d="AAAA"`), good),
			beside("a good key beside one that is null", "null", good),
			beside("a good key beside a number", "7", good),
			Vector{Name: "a set with a member that is not known", JWKS: object(`"x":{"y":[1]}`, `"keys":[`+ecJWK(esKey, "es")+`]`), Token: good}),
		group("RFC 7517, section 4", "alg, use and key_ops are optional; members that are not known are ignored.", OK,
			esEntry("an EC key without alg and use", "-alg", "-use"),
			esEntry("a key whose key_ops have verify", `key_ops=["verify"]`),
			esEntry("a key whose key_ops have verify and sign", `key_ops=["sign","verify"]`),
			esEntry("a key with an x5c, which is not looked at", `x5c=["MIIB"]`),
			esEntry("a key with an unknown member", `ext={"y":1}`),
			beside("an RSA key without alg stands for RS256", rsaJWK(&rsKey.PublicKey, "bad", "RS256", "-alg"), rsBad),
			beside("an Ed25519 key without alg", edJWK(edKey, "bad", "-alg"), edBad)),
		group("RFC 8725, section 3.1", "An RSA key without alg stands for one algorithm, not for two.", "ErrAlgorithm",
			beside("PS256 under an RSA key without alg", rsaJWK(&rsKey.PublicKey, "bad", "RS256", "-alg"), compact(headFor("PS256", "bad"), body(), ps256(rsKey)))))
}

// notForThis are good keys for something else.
func notForThis() []Vector {
	return slices.Concat(
		group("RFC 7517, sections 4.2 and 4.3", "A key for something else does not verify tokens.", "ErrUnknownKey",
			esEntry("a key for encryption", `use="enc"`),
			esEntry("a key for a use in another case", `use="SIG"`),
			esEntry("a key whose use is a space", `use=" "`),
			esEntry("a key that only signs", `key_ops=["sign"]`),
			esEntry("a key for no operation", `key_ops=[]`),
			esEntry("a key that derives", `key_ops=["deriveKey","deriveBits"]`),
			esEntry("a key with an operation twice", `key_ops=["verify","verify"]`)),
		group("RFC 7517, section 4.4; RFC 8725, section 3.1", "An alg that is not allowed, or does not fit the key, makes it no key.", "ErrUnknownKey",
			esEntry("an EC key for RS256", `alg="RS256"`),
			esEntry("an EC key for ES384", `alg="ES384"`),
			esEntry("an EC key for HS256", `alg="HS256"`),
			esEntry("an EC key for none", `alg="none"`),
			esEntry("an EC key for EdDSA", `alg="EdDSA"`),
			esEntry("an EC key for ES256 in another case", `alg="es256"`),
			esEntry("an EC key for ECDH-ES", `alg="ECDH-ES"`),
			beside("an RSA key for ES256", rsaJWK(&rsKey.PublicKey, "bad", "ES256"), rsBad),
			beside("an RSA key for RSA-OAEP", rsaJWK(&rsKey.PublicKey, "bad", "RSA-OAEP"), rsBad),
			beside("an RSA key for RS512", rsaJWK(&rsKey.PublicKey, "bad", "RS512"), rsBad),
			beside("an Ed25519 key for ES256", edJWK(edKey, "bad", `alg="ES256"`), edBad)),
		group("RFC 7518, section 6", "A key whose secret half is published is nobody's, or everybody's.", "ErrUnknownKey",
			esEntry("an EC key with its d", "d="+quote(must(esKey.Bytes()))),
			esEntry("a d that is null", "d=null"),
			esEntry("a d that is empty", `d=""`),
			beside("an RSA key with its d", rsaJWK(&rsKey.PublicKey, "bad", "RS256", "d="+quote(rsKey.D.Bytes())), rsBad),
			beside("an RSA key with one of its primes", rsaJWK(&rsKey.PublicKey, "bad", "RS256", "p="+quote(rsKey.Primes[0].Bytes())), rsBad),
			beside("an RSA key with a dp", rsaJWK(&rsKey.PublicKey, "bad", "RS256", `dp="AQAB"`), rsBad),
			beside("an Ed25519 key with its d", edJWK(edKey, "bad", "d="+quote(edKey.Seed())), edBad),
			esEntry("an EC key with a k", `k="AAAA"`)),
		group("RFC 7517, section 4.1", "Symmetric keys, and types that are not known, verify nothing.", "ErrUnknownKey",
			beside("a symmetric key", `{"kty":"oct","kid":"bad","alg":"ES256","k":"c2VjcmV0"}`, esBad),
			esEntry("an unknown type", `kty="AKP"`),
			esEntry("no type", "-kty"),
			esEntry("a type in another case", `kty="ec"`),
			esEntry("an EC key that calls itself RSA", `kty="RSA"`),
			esEntry("an EC key that calls itself OKP", `kty="OKP"`),
			beside("a certificate alone", `{"kty":"RSA","kid":"bad","x5c":["MIIB"]}`, rsBad)),
		group("RFC 7517, section 4.5", "A key is found by its kid, a string that is not empty.", "ErrUnknownKey",
			esEntry("a key with an empty kid", `kid=""`),
			esEntry("a kid that is a number", "kid=1"),
			esEntry("a kid that is null", "kid=null")),
		group("RFC 7517, section 4", "A member of another type spoils its entry, null included.", "ErrUnknownKey",
			esEntry("an alg that is null", "alg=null"),
			esEntry("a use that is null", "use=null"),
			esEntry("key_ops that are null", "key_ops=null"),
			esEntry("a crv that is a number", "crv=256"),
			esEntry("key_ops that are a string", `key_ops="verify"`),
			esEntry("a use that is a list", `use=["sig"]`),
			esEntry("an x that is a number", "x=1")))
}

func malformedEC() []Vector {
	p := must(esKey.PublicKey.Bytes())
	x, y := p[1:33], p[33:]
	q := must(strange.PublicKey.Bytes())
	prime := unhex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")
	minusY := new(big.Int).Sub(new(big.Int).SetBytes(prime), new(big.Int).SetBytes(y)).Bytes()
	std := strings.NewReplacer("-", "+", "_", "/")
	other := esEntry("the other point of the same x", "y="+quote(minusY))
	return append(group("RFC 7518, section 6.2.1", "A point lies on the curve that the entry names, and its coordinates have 32 bytes each, in base64url.", "ErrUnknownKey",
		esEntry("another curve", `crv="P-384"`),
		esEntry("the curve secp256k1", `crv="secp256k1"`),
		esEntry("a curve in another case", `crv="p-256"`),
		esEntry("no curve", "-crv"),
		esEntry("the curve Ed25519", `crv="Ed25519"`),
		esEntry("a key of P-384", "crv=\"P-384\"", "x="+quote(must(p384.PublicKey.Bytes())[1:49]), "y="+quote(must(p384.PublicKey.Bytes())[49:]), "alg=\"ES384\""),
		esEntry("a key of P-384 that calls itself P-256", "x="+quote(must(p384.PublicKey.Bytes())[1:49]), "y="+quote(must(p384.PublicKey.Bytes())[49:])),
		esEntry("no x", "-x"),
		esEntry("no y", "-y"),
		esEntry("an empty x", `x=""`),
		esEntry("zero for x and y", "x="+quote(make([]byte, 32)), "y="+quote(make([]byte, 32))),
		esEntry("x and y exchanged", "x="+quote(y), "y="+quote(x)),
		esEntry("the y of another key", "y="+quote(q[33:])),
		esEntry("a y with its last bit flipped", "y="+quote(flip(-1)(y))),
		esEntry("the prime for x", "x="+quote(prime)),
		esEntry("the largest number for x", "x="+quote(bytes.Repeat([]byte{255}, 32))),
		esEntry("an x with a zero in front", "x="+quote(front(0)(x))),
		esEntry("an x without its last byte", "x="+quote(cut(1)(x))),
		esEntry("the whole point as x", "x="+quote(p)),
		esEntry("a padded x", `x="`+b64(x)+`="`),
		esEntry("a y in the standard alphabet", `y="`+std.Replace(b64(y))+`+/"`),
		esEntry("an x with a space", `x=" `+b64(x)+`"`),
		esEntry("an x with a line break", `x="`+b64(x)+`\n"`),
		esEntry("a y with trailing bits that are not zero", `y="`+bump(b64(y))+`"`)),
		group("RFC 7518, section 6.2.1", "A good key, but another one.", "ErrSignature", other)...)
}

// bump sets the lowest bit of the last character, which stands for nothing.
func bump(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return s[:len(s)-1] + string(alphabet[strings.IndexByte(alphabet, s[len(s)-1])+1])
}

func malformedRSA() []Vector {
	pub := &rsKey.PublicKey
	entry := func(name string, edits ...string) Vector {
		return beside(name, rsaJWK(pub, "bad", "RS256", edits...), rsBad)
	}
	n := pub.N.Bytes()
	even := slices.Clone(n)
	even[len(even)-1] &^= 1
	// With the exponent one, the padded message is its own signature.
	selfSigned := compact(headFor("RS256", "bad"), body(), func(input string) []byte {
		return padded(256, 1, append(slices.Clone(sha256Info), digest(crypto.SHA256, input)...), nil)
	})
	huge := bytes.Repeat([]byte{255}, 2048)
	return slices.Concat(
		group("RFC 7518, section 3.3", "Below 2048 bits a modulus can be factored; far above, a check takes the verifiers' time; an even one is no product of two primes.", "ErrUnknownKey",
			beside("a modulus of 1024 bits", rsaJWK(&smallKey.PublicKey, "bad", "RS256"), compact(headFor("RS256", "bad"), body(), rs256(smallKey))),
			entry("a modulus of 2047 bits", "n="+quote(new(big.Int).Rsh(pub.N, 1).SetBit(new(big.Int).Rsh(pub.N, 1), 0, 1).Bytes())),
			entry("a modulus of 16384 bits", "n="+quote(huge)),
			entry("an even modulus", "n="+quote(even)),
			entry("a modulus of one", `n="AQ"`),
			entry("a modulus of zero", `n="AA"`),
			entry("an empty modulus", `n=""`),
			entry("no modulus", "-n")),
		group("CVE-2017-15361", "Some chips made primes of one shape, and whoever knows it can factor their product. Others share a small factor.", "ErrUnknownKey",
			beside("a modulus as some chips made them", rsaJWK(&rocaKey.PublicKey, "bad", "RS256"), compact(headFor("RS256", "bad"), body(), rs256(rocaKey))),
			entry("a modulus with the factor three", "n="+quote(new(big.Int).Mul(pub.N, big.NewInt(3)).Bytes()))),
		group("FIPS 186-5, appendix A.1.1", "The exponent is odd, and at least 65537. With one, every padded message is its own signature.", "ErrUnknownKey",
			beside("the exponent three", rsaJWK(&threeKey.PublicKey, "bad", "RS256"), compact(headFor("RS256", "bad"), body(), rs256(threeKey))),
			entry("the exponent 17", `e="EQ"`),
			entry("the exponent 65535", `e="__8"`),
			beside("the exponent one", rsaJWK(&rsa.PublicKey{N: pub.N, E: 1}, "bad", "RS256"), selfSigned),
			entry("the exponent zero", `e="AA"`),
			entry("the exponent two", `e="Ag"`),
			entry("an even exponent", `e="AQAA"`),
			entry("an exponent of 64 bits", `e="__________8"`),
			entry("an exponent of 33 bits", `e="AQAAAAE"`),
			entry("an empty exponent", `e=""`),
			entry("no exponent", "-e"),
			entry("an exponent as a number", "e=65537")),
		group("RFC 7518, sections 2 and 6.3.1", "A number has one spelling: base64url of as few bytes as there are.", "ErrUnknownKey",
			entry("a modulus with a zero in front", "n="+quote(front(0)(n))),
			entry("an exponent with a zero in front", `e="AAEAAQ"`),
			entry("a padded modulus", `n="`+b64(n)+`=="`),
			entry("a padded exponent", `e="AQAB="`),
			entry("a modulus with a line break", `n="`+b64(n)+`\n"`),
			entry("a modulus in hexadecimal", `n="`+strings.Repeat("f", 512)+`!"`),
			entry("a modulus with trailing bits that are not zero", `n="`+bump(b64(n))+`"`)))
}

func malformedEd() []Vector {
	entry := func(name string, edits ...string) Vector {
		return beside(name, edJWK(edKey, "bad", edits...), edBad)
	}
	x := edKey.Public().(ed25519.PublicKey)
	var forgeries []Vector
	for _, p := range small {
		public := ed25519.PublicKey(unhex(p.hex))
		forgeries = append(forgeries, beside("an Ed25519 key "+p.name, edJWK(edKey, "bad", "x="+quote(public)), forged(headFor("EdDSA", "bad"), public)))
	}
	return slices.Concat(
		group("RFC 8032, section 5.1.3; RFC 7748, section 6.1", "Under a key of small order anybody can make signatures, and this is one. No honest issuer has such a key.", "ErrUnknownKey", forgeries...),
		group("RFC 8032, section 5.1.3", "The encoding is a point of the curve, in its one spelling.", "ErrUnknownKey",
			entry("an Ed25519 key that is no point", "x="+quote(offCurve())),
			entry("an Ed25519 key of 31 bytes", "x="+quote(x[:31])),
			entry("an Ed25519 key of 33 bytes", "x="+quote(back(0)(x))),
			entry("an Ed25519 key with a byte 0x40 in front, as OpenPGP has it", "x="+quote(front(0x40)(x))),
			entry("an Ed25519 key of ones", "x="+quote(bytes.Repeat([]byte{255}, 32))),
			entry("an Ed25519 key without x", "-x"),
			entry("a padded x of Ed25519", `x="`+b64(x)+`="`)),
		group("RFC 8037, section 2", "X25519 makes no signatures, and Ed448 is not offered.", "ErrUnknownKey",
			entry("an X25519 key", `crv="X25519"`),
			entry("an Ed448 key", `crv="Ed448"`),
			entry("Ed25519 in another case", `crv="ed25519"`),
			entry("an Ed25519 key that calls itself EC", `kty="EC"`)))
}

// offCurve is the smallest y with no x.
func offCurve() []byte {
	y := make([]byte, 32)
	y[0] = 2
	return y
}

func sameKid() []Vector {
	good := ecJWK(esKey, "es")
	tok := token(head(), body())
	two := func(name string, entries ...string) Vector {
		return Vector{Name: name, JWKS: set(entries...), Token: tok}
	}
	return slices.Concat(
		group("RFC 7517, section 4.5", "A kid that names two keys names none: which one counts would be left to chance.", "ErrUnknownKey",
			two("a kid of two keys", good, ecJWK(strange, "es")),
			two("a kid of two keys, the other way round", ecJWK(strange, "es"), good),
			two("a kid of keys of two types", good, edJWK(edKey, "es")),
			two("the same key twice", good, good),
			two("a kid of three keys", good, ecJWK(strange, "es"), good)),
		group("RFC 7517, section 5", "An entry that cannot be used takes no kid away.", OK,
			two("a kid of a key and of one for encryption", good, ecJWK(strange, "es", `use="enc"`))),
		group("RFC 7517, section 5", "An issuer with no keys takes everything back.", "ErrUnknownKey",
			two("no keys"),
			two("only another key", ecJWK(strange, "other")),
			two("only keys that cannot be used", ecJWK(esKey, "es", `use="enc"`))))
}

// noKid are tokens and entries that name no key.
func noKid() []Vector {
	nameless, es := token(head("-kid"), body()), ecJWK(esKey, "es")
	two := func(name, tok string, entries ...string) Vector {
		return Vector{Name: name, JWKS: set(entries...), Token: tok}
	}
	return slices.Concat(
		group("RFC 7515, section 4.1.4; RFC 7517, section 4.5", "A kid is a hint. Where one key is for the algorithm, that one is meant.", OK,
			two("a token without a kid, and one key", nameless, es),
			two("a token without a kid, and one key without one", nameless, ecJWK(esKey, "", "-kid")),
			two("a token without a kid, beside keys of other algorithms", nameless, rsaJWK(&rsKey.PublicKey, "", "RS256", "-kid"), ecJWK(esKey, "", "-kid"), edJWK(edKey, "", "-kid")),
			two("a token without a kid, beside a key for encryption", nameless, es, ecJWK(strange, "", "-kid", `use="enc"`)),
			two("an RS256 token without a kid, beside a key for PS256", compact(head(`alg="RS256"`, "-kid"), body(), rs256(rsKey)), rsaJWK(&rsKey.PublicKey, "", "RS256", "-kid"), rsaJWK(&psKey.PublicKey, "", "PS256", "-kid")),
			two("an EdDSA token without a kid", compact(head(`alg="EdDSA"`, "-kid"), body(), eddsa(edKey)), es, edJWK(edKey, "", "-kid"))),
		group("RFC 7515, section 4.1.4", "Among several keys the signer says which.", "ErrHeader",
			two("a token without a kid, and two keys", nameless, es, ecJWK(strange, "other")),
			two("a token without a kid, and two keys without one", nameless, ecJWK(esKey, "", "-kid"), ecJWK(strange, "", "-kid")),
			two("a token without a kid, and a key with one and one without", nameless, ecJWK(strange, "", "-kid"), es)),
		group("RFC 7517, section 4.5", "A token that names a key means no other.", "ErrUnknownKey",
			two("a token with a kid, and a key without one", token(head(), body()), ecJWK(esKey, "", "-kid")),
			two("a token without a kid, and no key for its algorithm", nameless, rsaJWK(&rsKey.PublicKey, "rs", "RS256"), edJWK(edKey, "", "-kid")),
			two("a token without a kid, and a key whose kid is null", nameless, ecJWK(esKey, "", "kid=null")),
			two("a token without a kid, and a key whose kid is empty", nameless, ecJWK(esKey, "")),
			two("a token without a kid, and a key whose kid is a number", nameless, ecJWK(esKey, "", "kid=0")),
			two("a token without a kid, and a private key", nameless, ecJWK(esKey, "", "-kid", `d="AAAA"`)),
			two("the same key without a kid twice", nameless, ecJWK(esKey, "", "-kid"), ecJWK(esKey, "", "-kid"))),
		group("RFC 8725, section 3.1", "Without a kid too, the key that is published is the one that counts.", "ErrSignature",
			two("a token without a kid, by another key", compact(head("-kid"), body(), es256(strange)), es)))
}

// noSets are answers that say nothing about keys: the verifier waits for a
// better one, and judges no token.
func noSets() []Vector {
	good := string(set(ecJWK(esKey, "es")))
	text := func(name, answer string) Vector {
		return Vector{Name: name, JWKSText: answer, Token: token(head(), body())}
	}
	return group("RFC 7517, section 5", "What is no JWK Set is an outage of the issuer, and not a word about the token.", "ErrUnavailable",
		text("a set without keys", "{}"),
		text("keys that are null", `{"keys":null}`),
		text("keys that are an object", `{"keys":{"es":`+ecJWK(esKey, "es")+`}}`),
		text("keys that are a string", `{"keys":"es"}`),
		text("keys in another case", strings.Replace(good, "keys", "KEYS", 1)),
		text("an array", "["+ecJWK(esKey, "es")+"]"),
		text("a key that is no set", ecJWK(esKey, "es")),
		text("null", "null"),
		text("keys twice", `{"keys":[],`+good[1:]),
		text("a set that is cut off", strings.TrimSuffix(good, "}")),
		text("a set and another", good+good),
		text("a set and a letter", good+"x"),
		text("a byte order mark before the set", "\ufeff"+good),
		text("a comment in the set", "/* */"+good),
		text("a comma at the end of the set", strings.TrimSuffix(good, "]}")+",]}"),
		text("HTML", "<html><body>Sign in to the network</body></html>"),
		text("a space", " "),
		text("a NUL after the set", good+"\x00"),
		text("a member of a key twice", strings.Replace(good, `"use":"sig"`, `"use":"enc","use":"sig"`, 1)),
		text("a member twice in a key that nobody needs", strings.Replace(good, "[", `[{"kty":"x","kty":"x"},`, 1)),
		text("a lone surrogate in the set", strings.Replace(good, `"es"`, `"\ud800"`, 1)))
}
