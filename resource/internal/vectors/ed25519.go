package vectors

import (
	"crypto"
	"crypto/ed25519"
	_ "crypto/sha1" // the hashes that recipes name
	_ "crypto/sha512"
	"fmt"
	"math/big"
	"slices"
)

// order is that of the group of Ed25519 (RFC 8032 section 5.1).
var order = func() *big.Int {
	n, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
	return n.Add(n, new(big.Int).Lsh(big.NewInt(1), 252))
}()

// addOrder adds times the order to the second half of a signature, which is
// little-endian and says the same afterwards.
func addOrder(sig []byte, times int64) []byte {
	s := slices.Clone(sig[32:])
	slices.Reverse(s)
	n := new(big.Int).SetBytes(s)
	n.Add(n, new(big.Int).Mul(order, big.NewInt(times)))
	s = n.FillBytes(make([]byte, 32))
	slices.Reverse(s)
	return append(slices.Clone(sig[:32]), s...)
}

// edWith is Ed25519ph or Ed25519ctx (RFC 8032 section 5.1).
func edWith(key ed25519.PrivateKey, opts ed25519.Options) signer {
	return func(input string) []byte {
		message := []byte(input)
		if opts.Hash == crypto.SHA512 {
			message = digest(crypto.SHA512, input)
		}
		return must(key.Sign(nil, message, &opts))
	}
}

// small are the points of small order, as keys: whoever uses one accepts a
// signature that nobody made. The last ones are no canonical encodings.
var small = []struct{ name, hex string }{
	{"of order one", "0100000000000000000000000000000000000000000000000000000000000000"},
	{"of order two", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"of order four", "0000000000000000000000000000000000000000000000000000000000000000"},
	{"of order four, the other", "0000000000000000000000000000000000000000000000000000000000000080"},
	{"of order eight", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"},
	{"of order eight, the second", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"},
	{"of order eight, the third", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"},
	{"of order eight, the fourth", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"},
	{"of order one with a sign", "0100000000000000000000000000000000000000000000000000000000000080"},
	{"of order four, written as p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"of order one, written as p+1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
}

// forged is a token under a key of small order that Ed25519 alone accepts,
// though it was made without a private key: its signature is such a point and
// a zero.
func forged(header string, public ed25519.PublicKey) string {
	for n := range 1000 {
		payload := body(fmt.Sprintf(`jti="t%d"`, n))
		for _, r := range small[:8] {
			sig := append(unhex(r.hex), make([]byte, 32)...)
			if ed25519.Verify(public, []byte(b64(header)+"."+b64(payload)), sig) {
				return compact(header, payload, fixed(sig))
			}
		}
	}
	panic("vectors: the key is not of small order")
}
