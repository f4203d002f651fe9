package token

import (
	"crypto/rsa"
	"fmt"
	"math/big"
)

// The sizes of RSA keys in bits. Below lies what can be factored, above what
// would let a published key burn the verifiers' time.
const (
	MinRSABits = 2048
	MaxRSABits = 8192
)

// minExponent is the smallest public exponent that FIPS 186-5, appendix A.1.1
// lets a key have. A smaller one is no danger to who compares the whole padded
// message, as is done here; nobody who takes care publishes one.
const minExponent = 1<<16 + 1

// fitsRSA is what is wrong with a key at first sight.
func fitsRSA(alg Alg, pub *rsa.PublicKey) error {
	if pub == nil || pub.N == nil {
		return fmt.Errorf("%w: %s needs an RSA key", ErrKey, alg)
	}
	if bits := pub.N.BitLen(); bits < MinRSABits || bits > MaxRSABits {
		return fmt.Errorf("%w: an RSA key of %d bits", ErrKey, bits)
	}
	if pub.E < minExponent || pub.E&1 == 0 || pub.N.Bit(0) == 0 {
		return fmt.Errorf("%w: the RSA modulus is even, or the exponent is even or below %d", ErrKey, minExponent)
	}
	return nil
}

// The primes by which a modulus is looked at, and for each of them which of its
// residues are powers of 65537.
var (
	smallPrimes = []uint64{3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83,
		89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167}
	smallProduct = func() *big.Int {
		n := new(big.Int).Set(one)
		for _, p := range smallPrimes {
			n.Mul(n, new(big.Int).SetUint64(p))
		}
		return n
	}()
	powers = func() map[uint64][]bool {
		m := make(map[uint64][]bool)
		for _, p := range smallPrimes {
			m[p] = make([]bool, p)
			for x := uint64(1); !m[p][x]; x = x * 65537 % p {
				m[p][x] = true
			}
		}
		return m
	}()
)

// canBeFactored says whether a modulus has a small factor, or is of the kind
// that some chips made until 2017: the residues of those, by every small prime,
// are powers of 65537, and they can be factored (ROCA, CVE-2017-15361).
func canBeFactored(n *big.Int) bool {
	rest, residue, prime := new(big.Int).Mod(n, smallProduct), new(big.Int), new(big.Int)
	chip := true
	for _, p := range smallPrimes {
		r := residue.Mod(rest, prime.SetUint64(p)).Uint64()
		if r == 0 {
			return true
		}
		chip = chip && powers[p][r]
	}
	return chip
}
