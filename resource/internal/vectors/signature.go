package vectors

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

func signatures() [][]Vector {
	return [][]Vector{goodSignatures(), lengths(), ecdsaValues(), ecdsaInputs(), pkcs1Forms(), pssForms(), rsaValues(), edForms(), swaps()}
}

// by is a token under the header of one of the four keys.
func by(name, alg, kid string, sign signer) Vector {
	return Vector{Name: name, Token: compact(headFor(alg, kid), body(), sign)}
}

func es(name string, sign signer) Vector { return by(name, "ES256", "es", sign) }
func rs(name string, sign signer) Vector { return by(name, "RS256", "rs", sign) }
func ps(name string, sign signer) Vector { return by(name, "PS256", "ps", sign) }
func ed(name string, sign signer) Vector { return by(name, "EdDSA", "ed", sign) }

func goodSignatures() []Vector {
	return slices.Concat(
		group("RFC 7518, section 3.1; RFC 8037, section 3.1", "What the bad ones were made from.", OK,
			es("a good ES256 signature", es256(esKey)),
			rs("a good RS256 signature", rs256(rsKey)),
			ps("a good PS256 signature", ps256(psKey)),
			ed("a good EdDSA signature", eddsa(edKey))),
		group("RFC 7518, section 3.4", "JWS asks for no low s, and half of all honest signatures have a high one. A token is not known by its signature.", OK,
			es("an ES256 signature whose s is the low one", change(es256(esKey), withS(true))),
			es("an ES256 signature whose s is the high one", change(es256(esKey), withS(false)))))
}

var n256 = elliptic.P256().Params().N

// withS picks one of the two signatures that say the same: s and n-s.
func withS(low bool) func([]byte) []byte {
	return func(sig []byte) []byte {
		r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		other := new(big.Int).Sub(n256, s)
		if (s.Cmp(other) > 0) == low {
			s = other
		}
		return join(r, s, 32)
	}
}

func cut(n int) func([]byte) []byte { return func(sig []byte) []byte { return sig[:len(sig)-n] } }
func flip(at int) func([]byte) []byte {
	return func(sig []byte) []byte {
		at := (at%len(sig) + len(sig)) % len(sig)
		sig = slices.Clone(sig)
		sig[at] ^= 1
		return sig
	}
}
func front(b ...byte) func([]byte) []byte {
	return func(sig []byte) []byte { return append(slices.Clone(b), sig...) }
}
func back(b ...byte) func([]byte) []byte {
	return func(sig []byte) []byte { return append(slices.Clone(sig), b...) }
}
func twice(sig []byte) []byte { return append(slices.Clone(sig), sig...) }
func empty([]byte) []byte     { return nil }

// lengths is what goes wrong with the signatures of every algorithm alike.
func lengths() []Vector {
	var all []Vector
	for _, alg := range []struct {
		name string
		of   func(string, signer) Vector
		sign signer
	}{{"ES256", es, es256(esKey)}, {"RS256", rs, rs256(rsKey)}, {"PS256", ps, ps256(psKey)}, {"EdDSA", ed, eddsa(edKey)}} {
		spoil := func(what string, f func([]byte) []byte) Vector {
			return alg.of("an "+alg.name+" signature "+what, change(alg.sign, f))
		}
		all = append(all, group("RFC 7515, section 5.2", "A signature has one length, and every bit of it counts.", "ErrSignature",
			spoil("that is empty", empty),
			spoil("that is one zero byte", func([]byte) []byte { return []byte{0} }),
			spoil("without its last byte", cut(1)),
			spoil("without its first byte", func(sig []byte) []byte { return sig[1:] }),
			spoil("without its second half", func(sig []byte) []byte { return sig[:len(sig)/2] }),
			spoil("with a zero byte behind", back(0)),
			spoil("with a zero byte in front", front(0)),
			spoil("that stands there twice", twice),
			spoil("with its first bit flipped", func(sig []byte) []byte { sig = slices.Clone(sig); sig[0] ^= 0x80; return sig }),
			spoil("with a bit in the middle flipped", func(sig []byte) []byte { return flip(len(sig) / 2)(sig) }),
			spoil("with its last bit flipped", flip(-1)),
			spoil("that is all zeros", func(sig []byte) []byte { return make([]byte, len(sig)) }),
			spoil("that is all ones", func(sig []byte) []byte { return bytes.Repeat([]byte{0xff}, len(sig)) }),
			spoil("back to front", func(sig []byte) []byte { sig = slices.Clone(sig); slices.Reverse(sig); return sig }),
			spoil("in hexadecimal", func(sig []byte) []byte { return []byte(hex.EncodeToString(sig)) }),
			spoil("in base64url twice", func(sig []byte) []byte { return []byte(b64(sig)) }),
		)...)
	}
	return all
}

// ecdsaValues spoils r and s.
func ecdsaValues() []Vector {
	values := func(name string, f func(r, s *big.Int) (*big.Int, *big.Int)) Vector {
		return es("an ES256 signature "+name, change(es256(esKey), func(sig []byte) []byte {
			r, s := f(new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
			return join(r, s, 32)
		}))
	}
	wide := func(name string, size int) Vector {
		return es(name, change(es256(esKey), func(sig []byte) []byte {
			return join(new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]), size)
		}))
	}
	zero, one, big1 := new(big.Int), big.NewInt(1), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	return slices.Concat(
		group("FIPS 186-5, section 6.4.2", "r and s are from 1 to n-1. Who forgets that accepts zeros for every token and every key (CVE-2022-21449).", "ErrSignature",
			values("whose r is zero", func(_, s *big.Int) (*big.Int, *big.Int) { return zero, s }),
			values("whose s is zero", func(r, _ *big.Int) (*big.Int, *big.Int) { return r, zero }),
			values("whose r is n", func(_, s *big.Int) (*big.Int, *big.Int) { return n256, s }),
			values("whose s is n", func(r, _ *big.Int) (*big.Int, *big.Int) { return r, n256 }),
			values("whose r and s are n", func(_, _ *big.Int) (*big.Int, *big.Int) { return n256, n256 }),
			values("whose r is one and s is zero", func(_, _ *big.Int) (*big.Int, *big.Int) { return one, zero }),
			values("whose r and s are one", func(_, _ *big.Int) (*big.Int, *big.Int) { return one, one }),
			values("whose r is the largest number", func(_, s *big.Int) (*big.Int, *big.Int) { return big1, s }),
			values("whose s is the largest number", func(r, _ *big.Int) (*big.Int, *big.Int) { return r, big1 }),
			values("whose r is the prime of the curve", func(_, s *big.Int) (*big.Int, *big.Int) { return elliptic.P256().Params().P, s })),
		group("RFC 7518, section 3.4", "r comes first, and neither of them is another number.", "ErrSignature",
			values("whose r and s changed places", func(r, s *big.Int) (*big.Int, *big.Int) { return s, r }),
			values("whose r is n-r", func(r, s *big.Int) (*big.Int, *big.Int) { return new(big.Int).Sub(n256, r), s }),
			values("whose s is s+1", func(r, s *big.Int) (*big.Int, *big.Int) { return r, new(big.Int).Add(s, one) })),
		group("RFC 7518, section 3.4", "r and s have 32 bytes each, and nothing around them.", "ErrSignature",
			es("an ES256 signature in ASN.1", change(es256(esKey), func(sig []byte) []byte {
				return der(new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
			})),
			wide("an ES256 signature whose halves have 33 bytes each", 33),
			wide("an ES256 signature whose halves have 48 bytes each, as for P-384", 48),
			wide("an ES256 signature whose halves have 66 bytes each, as for P-521", 66)))
}

// ecdsaInputs signs with the right key, and something else; or the right
// thing, and with another key or hash.
func ecdsaInputs() []Vector {
	part := func(i int) func(string) string {
		return func(input string) string { return strings.Split(input, ".")[i] }
	}
	return group("RFC 7515, section 5.1", "The signature covers header, dot and payload as they are sent, under SHA-256, by the key that the kid names.", "ErrSignature",
		es("an ES256 signature by another key under our kid", es256(strange)),
		es("an ES256 signature by a P-384 key", ecdsaOver(p384, crypto.SHA384)),
		es("an ES256 signature over SHA-384", ecdsaOver(esKey, crypto.SHA384)),
		es("an ES256 signature over SHA-512", ecdsaOver(esKey, crypto.SHA512)),
		es("an ES256 signature over SHA-1", ecdsaOver(esKey, crypto.SHA1)),
		es("an ES256 signature over the hash of the hash", over(es256(esKey), func(in string) string { return string(digest(crypto.SHA256, in)) })),
		es("an ES256 signature over the header alone", over(es256(esKey), part(0))),
		es("an ES256 signature over the payload alone", over(es256(esKey), part(1))),
		es("an ES256 signature over the JSON, not its encoding", over(es256(esKey), func(string) string { return headFor("ES256", "es") + "." + body() })),
		es("an ES256 signature without the dot", over(es256(esKey), func(in string) string { return strings.Replace(in, ".", "", 1) })),
		es("an ES256 signature with a dot at the end", over(es256(esKey), func(in string) string { return in + "." })),
		es("an ES256 signature with a line break at the end", over(es256(esKey), func(in string) string { return in + "\n" })),
		es("an ES256 signature over nothing", over(es256(esKey), func(string) string { return "" })),
		es("the ES256 signature of another token", over(es256(esKey), func(string) string {
			return b64(headFor("ES256", "es")) + "." + b64(body(`sub="bob"`))
		})))
}

// swaps are signatures of one algorithm under the name of another.
func swaps() []Vector {
	return group("RFC 8725, section 3.1", "A signature of another algorithm is none, even where the sizes agree.", "ErrSignature",
		es("an EdDSA signature under ES256", eddsa(edKey)),
		es("an RS256 signature under ES256", rs256(rsKey)),
		ed("an ES256 signature under EdDSA", es256(esKey)),
		rs("a PS256 signature under RS256, by the same key", ps256(rsKey)),
		rs("an ES256 signature under RS256", es256(esKey)),
		ps("an RS256 signature under PS256, by the same key", rs256(psKey)),
		rs("an RS256 signature by the other RSA key", rs256(psKey)),
		ps("a PS256 signature by the other RSA key", ps256(rsKey)),
		ed("an EdDSA signature by another key", eddsa(edOther)))
}

func edForms() []Vector {
	plain := eddsa(edKey)
	half := func(name string, f func(r, s []byte) []byte) Vector {
		return ed(name, change(plain, func(sig []byte) []byte { return f(sig[:32:32], sig[32:]) }))
	}
	v := slices.Concat(
		group("RFC 8032, section 5.1.7", "S is below the order of the group. Who does not look takes several signatures for one.", "ErrSignature",
			ed("an EdDSA signature whose S is S plus the order", change(plain, func(sig []byte) []byte { return addOrder(sig, 1) })),
			ed("an EdDSA signature whose S is S plus seven times the order", change(plain, func(sig []byte) []byte { return addOrder(sig, 7) })),
			half("an EdDSA signature whose S is zero", func(r, _ []byte) []byte { return append(r, make([]byte, 32)...) }),
			half("an EdDSA signature whose R is zero", func(_, s []byte) []byte { return append(make([]byte, 32), s...) }),
			half("an EdDSA signature whose R and S changed places", func(r, s []byte) []byte { return append(slices.Clone(s), r...) }),
			half("an EdDSA signature whose R is of small order, with S zero", func(_, _ []byte) []byte { return append(unhex(small[0].hex), make([]byte, 32)...) }),
			half("an EdDSA signature whose R is no canonical encoding, with S zero", func(_, _ []byte) []byte { return append(unhex(small[10].hex), make([]byte, 32)...) }),
			half("an EdDSA signature whose R has its sign flipped", func(r, s []byte) []byte { return append(flipTop(r), s...) })),
		group("RFC 8037, section 3.1", "EdDSA is Ed25519 itself, over the text: neither Ed25519ph nor Ed25519ctx.", "ErrSignature",
			ed("an EdDSA signature of Ed25519ph", edWith(edKey, ed25519.Options{Hash: crypto.SHA512})),
			ed("an EdDSA signature of Ed25519ctx", edWith(edKey, ed25519.Options{Context: "JWS"})),
			ed("an EdDSA signature over SHA-256", over(plain, func(in string) string { return string(digest(crypto.SHA256, in)) })),
			ed("an EdDSA signature over SHA-512", over(plain, func(in string) string { return string(digest(crypto.SHA512, in)) })),
			ed("an EdDSA signature as long as one of Ed448", change(plain, back(make([]byte, 50)...)))))
	return v
}

func flipTop(r []byte) []byte {
	r = slices.Clone(r)
	r[31] ^= 0x80
	return r
}

func pkcs1Forms() []Vector {
	bad := func(name string, pad func(size int, message []byte) []byte) Vector {
		return rs("an RS256 signature "+name, spoiled(rsKey, pad))
	}
	return slices.Concat(
		group("RFC 8017, section 8.2.2", "The whole padded message is compared. Who parses it can be shown a signature that was never made.", "ErrSignature",
			bad("of block type 0", func(size int, m []byte) []byte { return padded(size, 0, m, nil) }),
			bad("of block type 2", func(size int, m []byte) []byte { return padded(size, 2, m, nil) }),
			bad("with bytes after the digest", func(size int, m []byte) []byte { return padded(size, 1, m, bytes.Repeat([]byte{7}, 32)) }),
			bad("with eight bytes of padding, and garbage after the digest", func(size int, m []byte) []byte {
				return padded(size, 1, m, bytes.Repeat([]byte{7}, size-3-8-len(m)))
			}),
			bad("with one byte of the padding not 255", func(size int, m []byte) []byte { em := padded(size, 1, m, nil); em[20] = 0xfe; return em }),
			bad("with the padding of zeros", func(size int, m []byte) []byte {
				return append(append([]byte{0, 1}, make([]byte, size-2-len(m))...), m...)
			}),
			bad("of the digest without its DER", func(size int, m []byte) []byte { return padded(size, 1, m[len(sha256Info):], nil) }),
			bad("with a length in two bytes in its DER", func(size int, m []byte) []byte {
				return padded(size, 1, append([]byte{0x30, 0x81, 0x31}, m[2:]...), nil)
			}),
			bad("without padding", func(size int, m []byte) []byte { return append(make([]byte, size-len(m)), m...) })),
		group("RFC 7518, section 3.3", "RS256 is SHA-256, in the DER of RFC 8017 with its NULL.", "ErrSignature",
			rs("an RS256 signature without the NULL in its DER", pkcs1(rsKey, crypto.SHA256, sha256NoArg)),
			rs("an RS256 signature over SHA-1", pkcs1(rsKey, crypto.SHA1, sha1Info)),
			rs("an RS256 signature over SHA-384", pkcs1(rsKey, crypto.SHA384, sha384Info)),
			rs("an RS256 signature over SHA-512", pkcs1(rsKey, crypto.SHA512, sha512Info)),
			rs("an RS256 signature over SHA-256 that calls itself SHA-384", pkcs1(rsKey, crypto.SHA256, sha384Info)),
			rs("an RS256 signature over the payload alone", over(rs256(rsKey), func(in string) string { return strings.Split(in, ".")[1] }))))
}

func pssForms() []Vector {
	form := func(name string, change func(*pssForm)) Vector {
		f := goodPSS
		change(&f)
		return ps("a PS256 signature "+name, f.signer(psKey))
	}
	return slices.Concat(
		group("RFC 7518, section 3.5", "The salt is as long as the hash, and the mask is of the same hash.", "ErrSignature",
			form("without a salt", func(f *pssForm) { f.salt = 0 }),
			form("with a salt of 20 bytes", func(f *pssForm) { f.salt = 20 }),
			form("with a salt of 31 bytes", func(f *pssForm) { f.salt = 31 }),
			form("with a salt of 33 bytes", func(f *pssForm) { f.salt = 33 }),
			form("with the longest salt", func(f *pssForm) { f.salt = 256 - 32 - 2 }),
			form("masked with SHA-1", func(f *pssForm) { f.mgf = crypto.SHA1 }),
			form("masked with SHA-512", func(f *pssForm) { f.mgf = crypto.SHA512 }),
			form("over SHA-384", func(f *pssForm) { f.hash, f.mgf = crypto.SHA384, crypto.SHA384 }),
			form("over SHA-384, masked with SHA-256", func(f *pssForm) { f.hash = crypto.SHA384 })),
		group("RFC 8017, section 9.1.2", "Every byte of the encoded message is what it must be.", "ErrSignature",
			form("with another trailer", func(f *pssForm) { f.trailer = 0xcc }),
			form("without the mark before its salt", func(f *pssForm) { f.mark = 0 }),
			form("with another mark before its salt", func(f *pssForm) { f.mark = 3 })))
}

// rsaValues are signatures whose number is not the one, or is written
// otherwise. Both need a signature of a special size, which one of many tokens
// has.
func rsaValues() []Vector {
	header := headFor("RS256", "rs")
	find := func(fits func(*big.Int) bool) (string, *big.Int) {
		for i := 0; ; i++ {
			b := body(fmt.Sprintf(`jti="t%d"`, i))
			if s := new(big.Int).SetBytes(rs256(rsKey)(b64(header) + "." + b64(b))); fits(s) {
				return b, s
			}
		}
	}
	fill := func(n *big.Int) []byte { return n.FillBytes(make([]byte, 256)) }
	number := func(n int64) signer { return fixed(fill(big.NewInt(n))) }
	having := func(name, payload string, sig []byte) Vector {
		return Vector{Name: name, Token: compact(header, payload, fixed(sig))}
	}
	room := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 2048), rsKey.N)
	low, lowSig := find(func(s *big.Int) bool { return s.Cmp(room) < 0 })
	short, shortSig := find(func(s *big.Int) bool { return s.BitLen() <= 2040 })
	return slices.Concat(
		group("RFC 8017, section 5.2.2", "A signature is a number below the modulus, in as many bytes as that has.", "ErrSignature",
			having("an RS256 signature plus the modulus", low, fill(new(big.Int).Add(lowSig, rsKey.N))),
			having("an RS256 signature without its leading zero", short, shortSig.Bytes()),
			rs("an RS256 signature that is the number one", number(1)),
			rs("an RS256 signature that is the modulus", fixed(fill(rsKey.N))),
			rs("an RS256 signature that is the modulus less one", fixed(fill(new(big.Int).Sub(rsKey.N, big.NewInt(1))))),
			ps("a PS256 signature that is the number one", number(1))),
		group("RFC 8017, section 5.2.2", "A leading zero belongs to the signature.", OK,
			having("an RS256 signature with its leading zero", short, fill(shortSig))))
}
