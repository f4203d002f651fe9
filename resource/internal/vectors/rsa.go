package vectors

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"encoding/hex"
	"math/big"
)

// power is the private operation of RSA, on a message that may be padded in
// any way (RFC 8017 section 5.2.1).
func power(key *rsa.PrivateKey, em []byte) []byte {
	m := new(big.Int).SetBytes(em)
	return m.Exp(m, key.D, key.N).FillBytes(make([]byte, key.Size()))
}

// The DER before the digest (RFC 8017 section 9.2, note 1).
var (
	sha1Info    = unhex("3021300906052b0e03021a05000414")
	sha256Info  = unhex("3031300d060960864801650304020105000420")
	sha256NoArg = unhex("302f300b0609608648016503040201" + "0420") // without the NULL
	sha384Info  = unhex("3041300d060960864801650304020205000430")
	sha512Info  = unhex("3051300d060960864801650304020305000440")
)

func unhex(s string) []byte { return must(hex.DecodeString(s)) }

// pkcs1 is RSASSA-PKCS1-v1_5 with another hash, or with another DER in front.
func pkcs1(key *rsa.PrivateKey, hash crypto.Hash, info []byte) signer {
	return func(input string) []byte {
		return power(key, padded(key.Size(), 1, append(append([]byte(nil), info...), digest(hash, input)...), nil))
	}
}

func rs256(key *rsa.PrivateKey) signer {
	return func(input string) []byte {
		return must(rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest(crypto.SHA256, input)))
	}
}

// padded is EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) of a block type, with
// garbage after the message and so much less padding before it.
func padded(size int, block byte, message, garbage []byte) []byte {
	fill := bytes.Repeat([]byte{0xff}, size-3-len(message)-len(garbage))
	return bytes.Join([][]byte{{0, block}, fill, {0}, message, garbage}, nil)
}

// spoiled is PKCS1-v1_5 with one thing wrong in what is padded.
func spoiled(key *rsa.PrivateKey, pad func(size int, message []byte) []byte) signer {
	return func(input string) []byte {
		return power(key, pad(key.Size(), append(append([]byte(nil), sha256Info...), digest(crypto.SHA256, input)...)))
	}
}

// pssForm is RSASSA-PSS with all that can be chosen in it.
type pssForm struct {
	hash, mgf crypto.Hash
	salt      int
	trailer   byte
	mark      byte // between the padding and the salt
}

var goodPSS = pssForm{crypto.SHA256, crypto.SHA256, 32, 0xbc, 1}

func ps256(key *rsa.PrivateKey) signer { return goodPSS.signer(key) }

// signer is EMSA-PSS-ENCODE (RFC 8017 section 9.1.1) with a salt that is no
// chance.
func (f pssForm) signer(key *rsa.PrivateKey) signer {
	return func(input string) []byte {
		salt := mgf1(crypto.SHA256, []byte("salt of "+input), f.salt)
		m := bytes.Join([][]byte{make([]byte, 8), digest(f.hash, input), salt}, nil)
		h := digest(f.hash, string(m))
		db := make([]byte, key.Size()-len(h)-1)
		db[len(db)-len(salt)-1] = f.mark
		copy(db[len(db)-len(salt):], salt)
		for i, b := range mgf1(f.mgf, h, len(db)) {
			db[i] ^= b
		}
		db[0] &= 0x7f // a modulus of whole bytes leaves one bit
		return power(key, bytes.Join([][]byte{db, h, {f.trailer}}, nil))
	}
}

// mgf1 is the mask of RFC 8017 appendix B.2.1.
func mgf1(hash crypto.Hash, from []byte, size int) []byte {
	var out []byte
	for i := byte(0); len(out) < size; i++ {
		out = append(out, digest(hash, string(append(append([]byte(nil), from...), 0, 0, 0, i)))...)
	}
	return out[:size]
}
