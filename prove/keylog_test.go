//go:build crash

package prove

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"time"

	"signet/prove/issuer"
	"signet/resource"
)

// readyWithin bounds whatever a test waits for.
const readyWithin = time.Minute

// keyLog is what was done to the signing keys, and tokens that they signed.
type keyLog struct {
	mu      sync.Mutex
	tokens  map[string]signed    // the newest by kid
	revoked map[string]time.Time // when it was acknowledged
}

func newKeyLog() *keyLog {
	return &keyLog{tokens: map[string]signed{}, revoked: map[string]time.Time{}}
}

// signed is an access token, and whose grant it belongs to.
type signed struct {
	access string
	person *person
	chain  int
}

// judge holds what a resource server said of a token whose key is good against
// what its client was told: the token is good for as long as its grant lives.
func (s signed) judge(err error) error {
	alive, dead := 0, 0
	for _, w := range s.person.Worlds() {
		if w.Chains[s.chain].Alive {
			alive++
		} else {
			dead++
		}
	}
	switch {
	case err == nil && alive == 0:
		return fmt.Errorf("a token is accepted whose grant has ended: %s chain %d", s.person.Email, s.chain)
	case errors.Is(err, resource.ErrRevoked) && dead > 0:
		return nil
	case errors.Is(err, resource.ErrExpired):
		return nil // the machine is so slow that it is from long ago
	}
	return err
}

func kidOf(token string) string {
	head, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	var h struct {
		KID string `json:"kid"`
	}
	if err != nil || json.Unmarshal(raw, &h) != nil {
		return ""
	}
	return h.KID
}

func (k *keyLog) sawToken(s signed) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tokens[kidOf(s.access)] = s
}

// revokedBy lists the keys whose revocation was acknowledged before t.
func (k *keyLog) revokedBy(t time.Time) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var kids []string
	for kid, at := range k.revoked {
		if at.Before(t) {
			kids = append(kids, kid)
		}
	}
	return kids
}

// published returns the kids of the JWKS.
func published(ctx context.Context, client *issuer.Client) ([]string, error) {
	answer := client.JWKS(ctx)
	var set struct {
		Keys []struct {
			KID string `json:"kid"`
		} `json:"keys"`
	}
	if answer.Result != issuer.Done {
		return nil, fmt.Errorf("the JWKS: %s", answer)
	}
	err := json.Unmarshal(answer.Body, &set)
	var kids []string
	for _, key := range set.Keys {
		kids = append(kids, key.KID)
	}
	return kids, err
}

// change revokes a key, or rotates. A command that fails because the issuer
// was killed is no error; whether it did its work is then not known.
func (k *keyLog) change(ctx context.Context, home issuer.Home, r *rand.Rand) error {
	if r.IntN(3) == 0 {
		_, err := command(ctx, home, "keys", "rotate", "--now")
		return unlessExit(err)
	}
	client := issuer.NewClient(home.URL)
	defer client.Close()
	kids, err := published(ctx, client)
	if err != nil || len(kids) == 0 {
		return nil // it was just killed
	}
	kid := kids[r.IntN(len(kids))]
	if _, err := command(ctx, home, "keys", "revoke", kid, "--reason", "a test of the crash"); err != nil {
		return unlessExit(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.revoked[kid] = time.Now()
	return nil
}

// command runs a command of the issuer and returns what it printed.
func command(ctx context.Context, home issuer.Home, args ...string) ([]byte, error) {
	out, err := home.Command(ctx, args...).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("idp %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	return out, err
}

// exitUsage is a command line that the issuer does not understand.
const exitUsage = 2

func unlessExit(err error) error {
	exit := (*exec.ExitError)(nil)
	if errors.As(err, &exit) && exit.ExitCode() != exitUsage {
		return nil
	}
	return err
}

// audit makes sure that no key that was revoked is published again, and that a
// resource server refuses what it signed.
func (k *keyLog) audit(ctx context.Context, home issuer.Home) error {
	client := issuer.NewClient(home.URL)
	defer client.Close()
	kids, err := published(ctx, client)
	if err != nil {
		return err
	}
	verifier, err := resource.New(home.URL, "api")
	if err != nil {
		return err
	}
	defer verifier.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	var errs []error
	good := 0
	for _, kid := range kids {
		if _, revoked := k.revoked[kid]; revoked {
			errs = append(errs, fmt.Errorf("key %s was revoked and is published again", kid))
			continue
		}
		if token, seen := k.tokens[kid]; seen {
			_, err := verifier.Verify(ctx, token.access)
			if err := token.judge(err); err != nil {
				errs = append(errs, fmt.Errorf("a token of the good key %s: %w", kid, err))
			}
			good++
		}
	}
	for kid := range k.revoked {
		token, seen := k.tokens[kid]
		if !seen || good == 0 {
			continue
		}
		switch _, err := verifier.Verify(ctx, token.access); {
		case err == nil:
			errs = append(errs, fmt.Errorf("a token of the revoked key %s is accepted", kid))
		case !errors.Is(err, resource.ErrUnknownKey):
			errs = append(errs, fmt.Errorf("a token of the revoked key %s: %w", kid, err))
		}
	}
	return errors.Join(errs...)
}
