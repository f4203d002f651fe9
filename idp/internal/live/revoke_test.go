package live_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"signet/idp/internal/live"
	"signet/idp/internal/live/livetest"
	"signet/resource/token"
)

// What the operator holds is revoked however old it is; what is not ours is
// not.
func TestATokenThatWeSignedIsRevokedWhateverItIsWorth(t *testing.T) {
	for name, happens := range map[string]func(t *testing.T, w *livetest.World, raw string){
		"it is good":     func(*testing.T, *livetest.World, string) {},
		"it has expired": func(_ *testing.T, w *livetest.World, _ string) { w.Clock.Pass(24 * time.Hour) },
		"it is from the future": func(_ *testing.T, w *livetest.World, _ string) {
			w.Clock.Pass(-48 * time.Hour)
		},
		"its key was revoked": func(t *testing.T, w *livetest.World, raw string) {
			parsed, _ := token.ParseCompact(raw)
			if _, err := w.Ring.Revoke(t.Context(), parsed.Header.KID, "a test"); err != nil {
				t.Fatal(err)
			}
		},
		"its grant has ended": func(t *testing.T, w *livetest.World, _ string) {
			if err := w.Store.EndUserGrants(t.Context(), w.User.ID, nil); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := livetest.New(t, livetest.Options{Ring: livetest.NewRing(t)})
			issued := w.Start("web", "openid")
			raw := w.Token(issued)
			happens(t, w, raw)
			claims, err := w.Live.RevokeSigned(t.Context(), raw)
			if err != nil || claims.ClientID != "web" || claims.SessionID != issued.Grant.ID.String() {
				t.Fatal(claims, err)
			}
			slot := issued.Slot()
			bits, set, err := w.Store.StatusBits(t.Context(), slot.List)
			if err != nil || set != 1 || bits[slot.Index/8]>>(slot.Index%8)&1 == 0 {
				t.Fatalf("%d bits are set: %v", set, err)
			}
		})
	}
}

func TestATokenThatWeDidNotSignRevokesNothing(t *testing.T) {
	w := livetest.New(t, livetest.Options{Ring: livetest.NewRing(t)})
	raw := w.For("web", "openid")
	for name, bad := range map[string]string{
		"nothing":                "",
		"too long":               strings.Repeat("a", token.MaxLength+1),
		"one whose text changed": raw[:len(raw)-10] + another(raw[len(raw)-10]) + raw[len(raw)-9:],
		"an ID token":            w.Raw(token.TypID, w.Claims()),
		"a refresh token":        string(w.Start("web", "openid").RefreshToken),
	} {
		if _, err := w.Live.RevokeSigned(t.Context(), bad); !errors.Is(err, live.ErrDead) {
			t.Errorf("%s: %v", name, err)
		}
	}
	lists, err := w.Store.StatusLists(t.Context())
	if err != nil || len(lists) == 0 {
		t.Fatal(lists, err)
	}
	for _, l := range lists {
		if _, set, err := w.Store.StatusBits(t.Context(), l.ID); set != 0 || err != nil {
			t.Errorf("%d bits are set: %v", set, err)
		}
	}
}
