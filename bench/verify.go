package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"runtime"
	"slices"
	"strings"
	"time"

	"signet/bench/internal/load"
	"signet/prove/issuer"
	"signet/resource"
)

// oneAndAll is how many verify at once: it happens in this process, where more
// than one a processor would only measure the queue.
var oneAndAll = slices.Compact([]int{1, runtime.NumCPU()})

const verifyFloor = "the standard library: SHA-256, one ECDSA verification"

var verifyFirstRow = Row{
	Name:    "verify-first",
	Alg:     "ES256",
	What:    "resource.Verify of a token never seen before",
	Floor:   verifyFloor,
	Conns:   oneAndAll,
	Claims:  []promise{promiseFirst},
	Prepare: prepareVerify(resource.WithCacheBytes(0)),
}

var verifySeenRow = Row{
	Name:    "verify-seen",
	Alg:     "ES256",
	What:    "resource.Verify of a token seen before",
	Floor:   verifyFloor,
	Conns:   oneAndAll,
	Claims:  []promise{promiseSeen},
	Prepare: prepareVerify(),
}

// prepareVerify has a real token of the running issuer verified by a real
// resource server, in this process.
func prepareVerify(opts ...resource.Option) func(context.Context, *Stage) (Side, Side, error) {
	return func(ctx context.Context, s *Stage) (measured, floor Side, err error) {
		p, err := s.own()
		if err != nil {
			return measured, floor, err
		}
		if err := register(ctx, p); err != nil {
			return measured, floor, err
		}
		tokens, err := login(ctx, p)
		if err != nil {
			return measured, floor, err
		}
		verifier, err := resource.New(p.URL, "api", opts...)
		if err != nil {
			return measured, floor, err
		}
		s.AtEnd(verifier.Close)
		ours := func(ctx context.Context) error {
			_, err := verifier.Verify(ctx, tokens.Access)
			return err
		}
		if err := soon(ctx, ours); err != nil {
			return measured, floor, err
		}
		theirs, err := bareVerification(ctx, p, tokens.Access)
		return inProcess(ours), inProcess(theirs), err
	}
}

// soon waits until the call works: a resource server fetches its keys beside
// what it does.
func soon(ctx context.Context, call load.Call) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for {
		err := call(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return err
		}
	}
}

// bareVerification does what is left when the key is known, the token is cut
// up and its signature is in the form that the library wants.
func bareVerification(ctx context.Context, p *issuer.Process, token string) (load.Call, error) {
	parts := strings.Split(token, ".")
	key, err := publicKey(ctx, p, parts[0])
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 64 {
		return nil, fmt.Errorf("not an ES256 signature: %w", err)
	}
	signature, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])})
	input := []byte(parts[0] + "." + parts[1])
	return func(context.Context) error {
		digest := sha256.Sum256(input)
		if !ecdsa.VerifyASN1(key, digest[:], signature) {
			return errors.New("the signature is wrong")
		}
		return nil
	}, err
}

func publicKey(ctx context.Context, p *issuer.Process, head string) (*ecdsa.PublicKey, error) {
	client := issuer.NewClient(p.URL)
	defer client.Close()
	var set struct{ Keys []struct{ KID, X, Y string } }
	var header struct{ KID string }
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err := errors.Join(err, json.Unmarshal(raw, &header), json.Unmarshal(client.JWKS(ctx).Body, &set)); err != nil {
		return nil, err
	}
	for _, k := range set.Keys {
		if k.KID != header.KID {
			continue
		}
		x, errX := base64.RawURLEncoding.DecodeString(k.X)
		y, errY := base64.RawURLEncoding.DecodeString(k.Y)
		if err := errors.Join(errX, errY); err != nil {
			return nil, err
		}
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	}
	return nil, fmt.Errorf("key %s is not in the JWKS", header.KID)
}
