package token

import (
	"crypto/ed25519"
	"math/big"
	"slices"
)

// The field of Ed25519, and the d of its curve (RFC 8032 section 5.1).
var (
	one    = big.NewInt(1)
	fieldP = new(big.Int).Sub(new(big.Int).Lsh(one, 255), big.NewInt(19))
	curveD = func() *big.Int {
		d := new(big.Int).ModInverse(big.NewInt(121666), fieldP)
		return d.Mod(d.Mul(d, big.NewInt(-121665)), fieldP)
	}()
)

// smallOrder is the y of the eight points whose order divides eight; -x and x
// share one. The last two are those of order eight.
var smallOrder = func() []*big.Int {
	eight, _ := new(big.Int).SetString("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", 16)
	return []*big.Int{new(big.Int), one, new(big.Int).Sub(fieldP, one), eight, new(big.Int).Sub(fieldP, eight)}
}()

// isPoint says whether pub is the one encoding of a point of the curve (RFC
// 8032 section 5.1.3) whose order is not small: under those, signatures verify
// that nobody made. The standard library looks at neither.
func isPoint(pub ed25519.PublicKey) bool {
	raw := slices.Clone(pub)
	slices.Reverse(raw)
	raw[0] &= 0x7f // the sign of x
	y := new(big.Int).SetBytes(raw)
	if y.Cmp(fieldP) >= 0 || slices.ContainsFunc(smallOrder, func(s *big.Int) bool { return y.Cmp(s) == 0 }) {
		return false
	}
	// x² is (y²-1)/(dy²+1), and a quotient is a square where the product is.
	yy := y.Mul(y, y)
	product := new(big.Int).Mul(curveD, yy)
	product.Add(product, one)
	product.Mul(product, yy.Sub(yy, one))
	return big.Jacobi(product.Mod(product, fieldP), fieldP) == 1
}
