package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/hex"
	"strconv"
	"testing"

	"signet/resource/token"
)

// The key and the messages of RFC 6979, appendix A.2.5.
func TestASignatureOfES256IsThatOfRFC6979(t *testing.T) {
	raw, err := hex.DecodeString("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		t.Fatal(err)
	}
	for message, want := range map[string]string{
		"sample": "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" +
			"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
		"test": "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367" +
			"019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
	} {
		got, err := signES256(key, []byte(message))
		if err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%s: got %x, %v", message, got, err)
		}
	}

	// A number that begins with a zero byte is shorter in ASN.1.
	short := 0
	for n := range 1000 {
		message := strconv.Itoa(n)
		signature, err := signES256(key, []byte(message))
		if err != nil {
			t.Fatal(err)
		}
		if err := token.VerifySignature(token.ES256, &key.PublicKey, message, signature); err != nil {
			t.Errorf("%s: %v", message, err)
		}
		if signature[0] == 0 || signature[32] == 0 {
			short++
		}
	}
	if short == 0 {
		t.Error("no signature had a number that begins with zero")
	}
}
