package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/mem"
	"signet/idp/internal/signin"
	"signet/keys"
	"signet/resource/token"
)

var quiet = slog.New(slog.DiscardHandler)

// services are real ones, on a store in memory.
func services(t *testing.T) Services {
	t.Helper()
	ctx := t.Context()
	engine := mem.New()
	t.Cleanup(func() { engine.Close() })
	store, err := data.Open(ctx, engine, data.Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	config := keys.DefaultConfig()
	config.Algs, config.MaxLifetime = []keys.Alg{token.ES256}, map[keys.Alg]time.Duration{token.ES256: time.Minute}
	sealer := keys.NewSealer(keys.NewMasterKey(strings.NewReader(strings.Repeat("k", 32))), store.Meta().StoreID)
	ring, err := keys.Open(ctx, keys.Options{Config: config, Store: store.Cell("ring"), Sealer: sealer, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	macs, err := keys.OpenMACs(ctx, keys.Options{Config: config, Store: store.Cell("macs"), Sealer: sealer, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	in, err := signin.New(ctx, signin.Options{Store: store, Cost: 4, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return Services{
		Store: store, Ring: ring, MACs: macs, Signin: in, AccessLifetime: time.Minute, Version: "1", Logger: quiet,
		MasterKey: func() (string, string) { return sealer.MasterKeyID(), "test" },
		Reseal:    func(context.Context, string) (Resealed, error) { return Resealed{}, errors.New("not here") },
	}
}

// bothWays runs fn with a client in memory and with one on a socket.
func bothWays(t *testing.T, fn func(t *testing.T, s Services, c *Client)) {
	t.Run("in memory", func(t *testing.T) {
		s := services(t)
		c := Loopback(NewHandler(s), quiet)
		defer c.Close()
		fn(t, s, c)
	})
	t.Run("on a socket", func(t *testing.T) {
		s := services(t)
		path := filepath.Join(t.TempDir(), "control.sock")
		serve(t, path, NewHandler(s))
		c, err := Dial(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if c.Issuer().Version != "1" {
			t.Errorf("it says %+v", c.Issuer())
		}
		fn(t, s, c)
	})
}

// serve answers on a socket until the test ends, and then wants it gone.
func serve(t *testing.T, path string, h http.Handler) {
	t.Helper()
	l, err := Listen(path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, h, quiet) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, err := Dial(context.Background(), path); !errors.Is(err, ErrNobody) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func wantCode(t *testing.T, err error, code Code) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("got %v, want the code %s", err, code)
	}
}

func TestTheStatsSayWhyAnIssuerGetsNoTraffic(t *testing.T) {
	for _, c := range []struct {
		name  string
		ready func() error
		want  string
	}{
		{"ready", func() error { return nil }, ""},
		{"its clock is off", func() error { return errors.New("its clock is 40s off") }, "its clock is 40s off"},
		{"nothing serves", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := services(t)
			s.Ready, s.StoreStats = c.ready, func() StoreStats { return StoreStats{} }
			client := Loopback(NewHandler(s), quiet)
			defer client.Close()
			if got, err := client.Stats(t.Context()); err != nil || got.NotReady != c.want {
				t.Errorf("got %q, %v", got.NotReady, err)
			}
		})
	}
}

func TestErrorsKeepTheirKindOnTheWay(t *testing.T) {
	bothWays(t, func(t *testing.T, s Services, c *Client) {
		ctx := t.Context()
		if _, err := c.Rotate(ctx, "", false); err != nil {
			t.Fatal(err)
		}
		_, err := c.Rotate(ctx, "", false)
		wantCode(t, err, NotReady)
		if e := AsError(err); time.Until(e.ReadyAt) < 9*time.Minute {
			t.Errorf("ready at %s", e.ReadyAt)
		}
		_, err = c.Rotate(ctx, token.RS256, true)
		wantCode(t, err, Usage)
		_, err = c.Revoke(ctx, "no.kid.has.a.dot", "why")
		wantCode(t, err, NoSuch)
		_, err = c.User(ctx, "nobody@example.com")
		wantCode(t, err, NoSuch)
		_, err = c.AddUser(ctx, NewUser{Email: "ana@example.com", Password: "password1"})
		wantCode(t, err, Usage)
		_, err = c.Reseal(ctx, "x")
		wantCode(t, err, Failed)
	})
}

func TestEveryFailureHasACode(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code Code
	}{
		{&Error{Code: NoSuch}, NoSuch},
		{fmt.Errorf("x: %w", data.ErrNoUser), NoSuch},
		{data.ErrEmailTaken, Refused},
		{data.ErrRole, Usage},
		{&data.EmailError{Problem: "p"}, Usage},
		{&signin.FieldError{Field: "password", Problem: "p"}, Usage},
		{&signin.BusyError{}, Busy},
		{&keys.NotReadyError{}, NotReady},
		{fmt.Errorf("x: %w", keys.ErrGone), Refused},
		{&keys.WrongMasterKeyError{}, MasterKey},
		{fmt.Errorf("x: %w", kv.ErrInUse), InUse},
		{kv.ErrBusy, Busy},
		{kv.ErrNoSpace, Failed},
		{context.Canceled, Failed},
		{errors.New("anything"), Failed},
	} {
		if got := AsError(tt.err); got.Code != tt.code {
			t.Errorf("%v is %s, want %s", tt.err, got.Code, tt.code)
		}
	}
}

func TestAKidIsFoundByItsBeginning(t *testing.T) {
	list := []keys.Info{
		{KID: "abcdef", State: keys.Active}, {KID: "abcdxy", State: keys.Gone},
		{KID: "wxyz", State: keys.Pending}, {KID: "wxyzz", State: keys.Retiring},
		{KID: "gone1", State: keys.Gone}, {KID: "gone2", State: keys.Gone},
	}
	for _, tt := range []struct {
		prefix, want string
		code         Code
	}{
		{"abcdef", "abcdef", ""},
		{"abcd", "abcdef", ""}, // what is gone does not get in the way
		{"abcdx", "abcdxy", ""},
		{"wxyz", "wxyz", ""}, // a whole kid is itself
		{"gone", "", Usage},
		{"abc", "", Usage},
		{"", "", Usage},
		{"qrst", "", NoSuch},
	} {
		got, err := findKID(list, tt.prefix)
		if got != tt.want || (err == nil) != (tt.code == "") || err != nil && AsError(err).Code != tt.code {
			t.Errorf("%q: %q, %v", tt.prefix, got, err)
		}
	}
}

func TestAnOperationThatIsNotKnownIsAnotherVersion(t *testing.T) {
	bothWays(t, func(t *testing.T, s Services, c *Client) {
		_, err := call[none, none](t.Context(), c, "keys/paint", none{})
		wantCode(t, err, Refused)
		_, err = call[map[string]int, none](t.Context(), c, opRotate, map[string]int{"colour": 1})
		wantCode(t, err, Usage)
		if !strings.Contains(err.Error(), "another version") {
			t.Error(err)
		}
	})
}

func TestAnIssuerThatDiesInTheMiddleIsNotTakenForAnAnswer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	mux := http.NewServeMux()
	mux.HandleFunc(opHello.path(), func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"keys":`)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	serve(t, path, mux)
	c, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, ask := range map[string]func() error{
		"an operation": func() error { _, err := c.Keys(t.Context()); return err },
		"a backup":     func() error { _, err := c.Backup(t.Context(), new(strings.Builder)); return err },
		"an import": func() error {
			_, err := c.Import(t.Context(), strings.NewReader(""), func(ImportEvent) {})
			return err
		},
	} {
		if err := ask(); err == nil {
			t.Errorf("%s succeeded", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

func TestAProcessThatHangsIsNotPassedBy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = dial(t.Context(), path, 50*time.Millisecond)
	wantCode(t, err, InUse)
}

func TestWhatEndsAPersonsGrants(t *testing.T) {
	bothWays(t, func(t *testing.T, s Services, c *Client) {
		ctx := t.Context()
		u, err := c.AddUser(ctx, NewUser{Email: "ana@example.com", Roles: []string{"admin"}})
		if err != nil {
			t.Fatal(err)
		}
		for i, tt := range []struct {
			name string
			do   func() (UserChange, error)
			ends bool
		}{
			{"roles", func() (UserChange, error) { return c.Roles(ctx, u.Email, RoleChange{Add: []string{"editor"}}) }, false},
			{"sign-out", func() (UserChange, error) { return c.SignOut(ctx, string(u.ID)) }, true},
			{"set-password", func() (UserChange, error) { return c.SetPassword(ctx, u.Email, "correct horse battery") }, true},
			{"disable", func() (UserChange, error) { return c.Disable(ctx, u.Email, true) }, true},
			{"disable again", func() (UserChange, error) { return c.Disable(ctx, u.Email, true) }, false},
			{"enable", func() (UserChange, error) { return c.Disable(ctx, u.Email, false) }, false},
		} {
			now, err := s.Store.User(ctx, u.ID)
			if err != nil {
				t.Fatal(err)
			}
			g := data.Grant{ID: data.GrantID{byte(i + 1)}, User: u.ID, Client: "signet", Epoch: now.Epoch, Current: 1,
				Inc: s.Store.Meta().Incarnation, ExpiresAt: time.Now().Add(time.Hour), MaxAt: time.Now().Add(time.Hour)}
			if _, err := s.Store.CreateGrant(ctx, g); err != nil && !now.Disabled {
				t.Fatal(err)
			}
			before, err := c.User(ctx, u.Email)
			if err != nil || len(before.Grants) == 0 && !now.Disabled {
				t.Fatalf("%s: %+v, %v", tt.name, before, err)
			}
			change, err := tt.do()
			if err != nil || change.GrantsEnded != tt.ends || !change.TokensUntil.After(time.Now()) {
				t.Errorf("%s: %+v, %v", tt.name, change, err)
			}
			after, err := c.User(ctx, u.Email)
			if err != nil || (len(after.Grants) == 0) != (tt.ends || now.Disabled) {
				t.Errorf("%s: then there are %v, %v", tt.name, after.Grants, err)
			}
		}
	})
}

func TestRevokingAllEndsTheMACKeysToo(t *testing.T) {
	bothWays(t, func(t *testing.T, s Services, c *Client) {
		id, mac, err := s.MACs.Sum([]byte("a token"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.RevokeAll(t.Context(), " ")
		wantCode(t, err, Usage)
		if err := s.MACs.Verify(id, []byte("a token"), mac[:]); err != nil {
			t.Errorf("without a reason nothing happens: %v", err)
		}
		done, err := c.RevokeAll(t.Context(), "the host was taken")
		if err != nil || len(done) != 2 {
			t.Fatalf("%+v, %v", done, err)
		}
		if err := s.MACs.Verify(id, []byte("a token"), mac[:]); !errors.Is(err, keys.ErrMACRevoked) {
			t.Errorf("the MAC is %v", err)
		}
	})
}
