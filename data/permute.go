package data

import (
	"crypto/aes"
	"crypto/cipher"
)

// permutation maps serials to the indices of a status list and no two to the
// same, so that an index tells neither when nor how many tokens were issued.
// It is a Feistel network of eight rounds over the two halves of a serial
// (Luby and Rackoff), with AES as the function of a round.
type permutation struct{ block cipher.Block }

func newPermutation(key [16]byte) permutation {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("data: " + err.Error()) // 16 bytes are a key
	}
	return permutation{block}
}

const (
	halfBits = 10 // of a serial, which has twice as many
	halfMask = 1<<halfBits - 1
	rounds   = 8
)

func (p permutation) index(serial uint32) uint32 {
	left, right := serial>>halfBits&halfMask, serial&halfMask
	var in, out [aes.BlockSize]byte
	for round := range rounds {
		in[0], in[1], in[2] = byte(round), byte(right>>8), byte(right)
		p.block.Encrypt(out[:], in[:])
		left, right = right, left^(uint32(out[0])<<8|uint32(out[1]))&halfMask
	}
	return left<<halfBits | right
}
