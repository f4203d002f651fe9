package data

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/mem"
)

// furnish puts something of every kind into the store.
func furnish(t testing.TB, s *Store) (User, Grant) {
	t.Helper()
	u := newUser(t, s, "ann@example.com")
	newUser(t, s, "bob@example.com")
	g := newGrant(t, s, u, time.Hour)
	if err := s.EndUserGrants(t.Context(), u.ID, &g.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.CreateInvitation(t.Context(), Email{}, []string{"editor"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.Cell("ring").CompareAndSwap(t.Context(), nil, []byte("\x00sealed\xff")); !ok || err != nil {
		t.Fatal(err)
	}
	if err := s.SaveThrottle(t.Context(), []byte("counters")); err != nil {
		t.Fatal(err)
	}
	furnishProvider(t, s, u)
	return u, g
}

// furnishProvider puts something of every kind into the store that clients and
// browsers leave there.
func furnishProvider(t testing.TB, s *Store, u User) {
	t.Helper()
	end := s.now().Add(time.Hour)
	_, err := s.Remember(t.Context(), "dpop", [32]byte{1}, end)
	v := newSession(t, s, "left", accountOf(u, "a1"))
	newSession(t, s, "stays", accountOf(u, "a2"))
	for _, err := range []error{
		err,
		s.CreateClient(t.Context(), Client{ID: "web", SecretHash: HashOf("web secret")}, 0),
		s.CreateClient(t.Context(), Client{ID: "stranger", Registered: true, ExpiresAt: end}, 5),
		s.AddConsent(t.Context(), Consent{User: u.ID, Client: "web", Scope: "openid"}),
		s.Codes.Create(t.Context(), Code{Hash: HashOf("code"), ExpiresAt: end}),
		s.Requests.Create(t.Context(), Request{Hash: HashOf("request"), ExpiresAt: end}),
		s.CreateDevice(t.Context(), Device{Hash: HashOf("device"), ExpiresAt: end}, UserCode{Hash: HashOf("user code"), ExpiresAt: end}),
		s.InitialTokens.Create(t.Context(), InitialToken{Hash: HashOf("initial token"), Uses: 3, ExpiresAt: end}),
		s.Sessions.Change(t.Context(), v.Hash, func(*Session) Change { return End }),
		s.AddDeliveries(t.Context(), []Delivery{{ID: "d1", Client: "web", NextAt: s.now(), ExpiresAt: end}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func backup(t testing.TB, s *Store) ([]byte, BackupInfo) {
	t.Helper()
	var file bytes.Buffer
	info, err := s.Backup(t.Context(), &file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Bytes != int64(file.Len()) {
		t.Fatalf("%d bytes are said to be %d", file.Len(), info.Bytes)
	}
	return file.Bytes(), info
}

func TestARestoredStoreIsTheSameStoreAnew(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		for _, keep := range []bool{false, true} {
			t.Run(fmt.Sprint("keeping grants: ", keep), func(t *testing.T) {
				source, c := mem.New(), newClock()
				s := open(t, source, c)
				u, g := furnish(t, s)
				file, said := backup(t, s)
				if said.Users != 2 || said.Grants != 1 || said.Pairs != len(dump(t, source)) || !said.CreatedAt.Equal(c.Now()) {
					t.Fatalf("%+v", said)
				}
				c.Move(time.Minute)
				target := engine
				if keep {
					target = mem.New()
				}
				got, err := Restore(t.Context(), target, bytes.NewReader(file), RestoreOptions{KeepGrants: keep, Now: c.Now})
				if err != nil || got != said {
					t.Fatalf("%+v, %v instead of %+v", got, err, said)
				}

				before, after := dump(t, source), dump(t, target)
				delete(before, metaKey)
				delete(after, metaKey)
				maps.DeleteFunc(before, func(key, _ string) bool { return spent(key) })
				if !maps.Equal(before, after) {
					t.Fatalf("the pairs are others: %q instead of %q", keysBut(after), keysBut(before))
				}
				again := open(t, target, c)
				old, meta := s.Meta(), again.Meta()
				if meta.StoreID != old.StoreID || meta.Incarnation == old.Incarnation || !meta.RestoredAt.Equal(c.Now()) ||
					!meta.BackupAt.Equal(said.CreatedAt) || !meta.CreatedAt.Equal(old.CreatedAt) {
					t.Fatalf("%+v became %+v", old, meta)
				}
				if want := map[bool]int{true: 1}[keep]; len(meta.Kept) != want || keep && meta.Kept[0] != old.Incarnation {
					t.Fatalf("kept %v", meta.Kept)
				}
				list, err := again.UserGrants(t.Context(), u.ID, GrantID{}, 0)
				if err != nil || (len(list) == 1 && list[0].ID == g.ID) != keep {
					t.Fatalf("%v, %v", list, err)
				}
			})
		}
	})
}

// spent tells whether a record does not come back: since the backup it may have
// been used, decided or signed out. What was seen or revoked stays so.
func spent(key string) bool {
	return slices.ContainsFunc([]string{"s/c", "s/r", "s/d", "s/u", "s/b", "s/t", "b/"}, func(p string) bool { return strings.HasPrefix(key, p) })
}

func TestARestoreKeepsWhatLastsAndForgetsWhatIsSpent(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, mem.New(), c)
		u, _ := furnish(t, s)
		file, _ := backup(t, s)
		if _, err := Restore(t.Context(), engine, bytes.NewReader(file), RestoreOptions{Now: c.Now}); err != nil {
			t.Fatal(err)
		}
		again := open(t, engine, c)
		ctx := t.Context()
		for what, find := range map[string]func() error{
			"a code":           func() error { _, err := again.Codes.Get(ctx, HashOf("code")); return err },
			"a request":        func() error { _, err := again.Requests.Get(ctx, HashOf("request")); return err },
			"a device":         func() error { _, err := again.Devices.Get(ctx, HashOf("device")); return err },
			"a user code":      func() error { _, err := again.UserCodes.Get(ctx, HashOf("user code")); return err },
			"a session":        func() error { _, err := again.Sessions.Get(ctx, HashOf("stays")); return err },
			"an initial token": func() error { _, err := again.InitialTokens.Get(ctx, HashOf("initial token")); return err },
		} {
			if err := find(); !errors.Is(err, ErrNone) {
				t.Errorf("%s lives again: %v", what, err)
			}
		}
		if list, err := again.UserSessions(ctx, u.ID); len(list) != 0 || err != nil {
			t.Error(list, err)
		}
		if fresh, err := again.Remember(ctx, "dpop", [32]byte{1}, c.Now().Add(time.Minute)); fresh || err != nil {
			t.Error("a proof is fresh again", err)
		}
		if _, err := again.Client(ctx, "web"); err != nil {
			t.Error(err)
		}
		if err := again.CreateClient(ctx, Client{ID: "another", Registered: true, ExpiresAt: c.Now().Add(time.Hour)}, 1); !errors.Is(err, ErrTooManyClients) {
			t.Error("the strangers are not counted any more", err)
		}
		if got, err := again.Consent(ctx, u.ID, "web"); err != nil || !got.Covers("openid", nil, nil) {
			t.Error(got, err)
		}
		if due, _, err := again.DueDeliveries(ctx, 5); err != nil || len(due) != 1 {
			t.Error(due, err)
		}
		if list, err := again.Endings(ctx, 5); err != nil || len(list) != 1 || list[0].Account.ID != "a1" {
			t.Error(list, err)
		}
		c.Move(2 * time.Hour)
		for n := 1; n > 0; { // what the expiry index says of that which did not come back
			var err error
			if n, err = again.Sweep(ctx, 100); err != nil {
				t.Fatal(err)
			}
		}
		if left := keysBut(dump(t, engine), "u/", "e/", "c/", "m", "z/", "t", "l/", "k/", "d/", "o/"); len(left) > 0 {
			t.Errorf("%q are left", left)
		}
	})
}

func TestARestoredStoreSweepsTheGrantsThatItDidNotKeep(t *testing.T) {
	c := newClock()
	s := open(t, mem.New(), c)
	_, g := furnish(t, s)
	file, _ := backup(t, s)
	engine := mem.New()
	if _, err := Restore(t.Context(), engine, bytes.NewReader(file), RestoreOptions{Now: c.Now}); err != nil {
		t.Fatal(err)
	}
	c.Move(2 * time.Hour)
	again := open(t, engine, c)
	if _, err := again.Sweep(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	if _, _, err := again.Grant(t.Context(), g.ID, ""); !errors.Is(err, ErrNoGrant) {
		t.Fatal(err)
	}
}

func TestEachRestoreThatKeepsGrantsAddsToTheLineage(t *testing.T) {
	c := newClock()
	s := open(t, mem.New(), c)
	var want []string
	for range maxKept + 5 {
		want = append(want, s.Meta().Incarnation)
		file, _ := backup(t, s)
		engine := mem.New()
		if _, err := Restore(t.Context(), engine, bytes.NewReader(file), RestoreOptions{KeepGrants: true}); err != nil {
			t.Fatal(err)
		}
		s = open(t, engine, c)
		kept := want[max(0, len(want)-maxKept):]
		if got := s.Meta().Lineage(); !slices.Equal(got, append(slices.Clone(kept), s.Meta().Incarnation)) {
			t.Fatalf("%v instead of %v", got, kept)
		}
	}
}

// refuse restores what is not a sound backup, and wants nothing to come of it.
func refuse(t *testing.T, what string, file []byte, want ...error) {
	t.Helper()
	engine := mem.New()
	_, err := Restore(t.Context(), engine, bytes.NewReader(file), RestoreOptions{})
	if !slices.ContainsFunc(want, func(w error) bool { return errors.Is(err, w) }) {
		t.Fatalf("%s: %v", what, err)
	}
	if len(dump(t, engine)) != 0 {
		t.Fatalf("%s: the target was written to", what)
	}
}

func TestEveryDamageOfABackupIsRefused(t *testing.T) {
	s := open(t, mem.New(), newClock())
	newGrant(t, s, newUser(t, s, "ann@example.com"), time.Hour)
	file, _ := backup(t, s)
	for n := range file {
		refuse(t, fmt.Sprintf("cut after %d bytes", n), file[:n], ErrBackup)
	}
	for i := range 8 * len(file) {
		flipped := bytes.Clone(file)
		flipped[i/8] ^= 1 << (i % 8)
		refuse(t, fmt.Sprintf("bit %d flipped", i), flipped, ErrBackup, ErrVersion)
	}
	refuse(t, "a byte more", append(bytes.Clone(file), 0), ErrBackup)
	refuse(t, "two backups", append(bytes.Clone(file), file...), ErrBackup)
	refuse(t, "another file", []byte("PK\x03\x04 and so on and on and on"), ErrBackup)
}

// seal makes a file with a right sum of the pairs, in their order.
func seal(h backupHeader, pairs ...string) []byte {
	header, _ := encode(&h)
	return sealRaw(header, uint64(len(pairs)/2), pairs...)
}

func sealRaw(header []byte, count uint64, pairs ...string) []byte {
	file := binary.BigEndian.AppendUint32([]byte(backupMagic), uint32(len(header)))
	file = append(file, header...)
	for i := 0; i < len(pairs); i += 2 {
		file = binary.BigEndian.AppendUint32(file, uint32(len(pairs[i])))
		file = binary.BigEndian.AppendUint32(file, uint32(len(pairs[i+1])))
		file = append(append(file, pairs[i]...), pairs[i+1]...)
	}
	file = append(file, 0, 0, 0, 0)
	file = binary.BigEndian.AppendUint64(file, count)
	sum := sha256.Sum256(file)
	return append(file, sum[:]...)
}

func TestABackupWithARightSumIsStillLookedAt(t *testing.T) {
	h := backupHeader{StoreID: "s", Incarnation: "i"}
	const meta = `{"v":1,"store_id":"s","incarnation":"i","created_at":"2031-05-06T07:08:09Z"}`
	if info, err := CheckBackup(bytes.NewReader(seal(h, "m", meta, "z/ring", "x"))); err != nil || info.Pairs != 2 {
		t.Fatal(info, err)
	}
	for _, c := range []struct {
		name string
		file []byte
		want error
	}{
		{"of a later format", sealRaw([]byte(`{"v":2}`), 0), ErrVersion},
		{"of a later record", seal(h, "g/0123456789abcdef", `{"v":9}`, "m", meta), ErrVersion},
		{"with a record that is none", seal(h, "m", meta, "u/x", `{`), ErrRecord},
		{"with a key of another kind", seal(h, "m", meta, "q/x", "y"), ErrRecord},
		{"of a restore that was cut off", seal(h, "m", meta, "r", "1"), ErrRecord},
		{"without a store", seal(h), ErrBackup},
		{"of another store", seal(backupHeader{StoreID: "t", Incarnation: "i"}, "m", meta), ErrBackup},
		{"of another incarnation", seal(backupHeader{StoreID: "s", Incarnation: "j"}, "m", meta), ErrBackup},
		{"with keys out of order", seal(h, "z/a", "x", "m", meta), ErrBackup},
		{"with a key twice", seal(h, "m", meta, "z/a", "x", "z/a", "y"), ErrBackup},
		{"with a wrong count", sealRaw([]byte(`{"v":1,"created_at":"2031-05-06T07:08:09Z","store_id":"s","incarnation":"i"}`), 2, "m", meta), ErrBackup},
		{"with an empty value", seal(h, "m", ""), ErrBackup},
		{"with a key that no engine takes", seal(h, "m", meta, "z/"+strings.Repeat("a", kv.MaxKey), "x"), ErrBackup},
	} {
		t.Run(c.name, func(t *testing.T) { refuse(t, c.name, c.file, c.want) })
	}
}

func TestALengthThatIsDamagedCostsNoMemory(t *testing.T) {
	file := binary.BigEndian.AppendUint32([]byte(backupMagic), 1<<31)
	n := testing.AllocsPerRun(5, func() { _, _ = ReadBackup(bytes.NewReader(file), nil) })
	if n > 100 {
		t.Fatalf("%v allocations", n)
	}
	refuse(t, "a huge header", file, ErrBackup)
}

func TestRestoreLeavesAStoreAlone(t *testing.T) {
	s := open(t, mem.New(), newClock())
	file, _ := backup(t, s)
	engine := mem.New()
	open(t, engine, newClock())
	before := dump(t, engine)
	if _, err := Restore(t.Context(), engine, bytes.NewReader(file), RestoreOptions{}); !errors.Is(err, ErrNotEmpty) {
		t.Fatal(err)
	}
	if fmt.Sprint(dump(t, engine)) != fmt.Sprint(before) {
		t.Fatal("it was written to")
	}
}

// secondTime reads well, and fails in the middle when it is read again.
type secondTime struct {
	*bytes.Reader
	seeks int
}

func (r *secondTime) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		r.seeks++
	}
	return r.Reader.Seek(offset, whence)
}

func (r *secondTime) Read(p []byte) (int, error) {
	if r.seeks > 0 && r.Len() < 4<<20 {
		return 0, errors.New("the disk is gone")
	}
	return r.Reader.Read(p)
}

func TestARestoreThatIsCutOffIsNeverTakenForAStore(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, mem.New(), newClock())
		for i := range 6 {
			if _, err := s.Cell(fmt.Sprint("c", i)).CompareAndSwap(t.Context(), nil, make([]byte, 1<<20)); err != nil {
				t.Fatal(err)
			}
		}
		file, _ := backup(t, s)
		if _, err := Restore(t.Context(), engine, &secondTime{Reader: bytes.NewReader(file)}, RestoreOptions{}); err == nil {
			t.Fatal("it was not cut off")
		}
		if n := len(dump(t, engine)); n < 2 || n > 6 {
			t.Fatalf("%d pairs: the test cuts at the wrong place", n)
		}
		if _, err := Open(t.Context(), engine, Options{}); !errors.Is(err, ErrRestoring) {
			t.Fatal(err)
		}
		if _, err := Restore(t.Context(), engine, bytes.NewReader(file), RestoreOptions{}); !errors.Is(err, ErrNotEmpty) {
			t.Fatal(err)
		}
	})
}

// swapped is one backup at first, and another one when it is read again.
type swapped struct {
	*bytes.Reader
	other []byte
}

func (r *swapped) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		r.Reader = bytes.NewReader(r.other)
	}
	return r.Reader.Seek(offset, whence)
}

func TestABackupThatIsReplacedWhileItIsReadIsNoStore(t *testing.T) {
	c := newClock()
	s := open(t, mem.New(), c)
	one, _ := backup(t, s)
	c.Move(time.Hour)
	two, _ := backup(t, s)
	engine := mem.New()
	if _, err := Restore(t.Context(), engine, &swapped{bytes.NewReader(one), two}, RestoreOptions{}); !errors.Is(err, ErrBackup) {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), engine, Options{}); !errors.Is(err, ErrRestoring) {
		t.Fatal(err)
	}
}

type full struct{ room int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// slowReader is where a backup goes that waits for its reader.
type slowReader struct {
	bytes.Buffer
	reached, goOn chan struct{}
}

func (r *slowReader) Write(p []byte) (int, error) {
	if r.reached != nil {
		close(r.reached)
		r.reached = nil
		<-r.goOn
	}
	return r.Buffer.Write(p)
}

func TestABackupHoldsNobodyUpAndIsOfOneMoment(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		furnish(t, s)
		r := &slowReader{reached: make(chan struct{}), goOn: make(chan struct{})}
		reached, done := r.reached, make(chan error, 1)
		go func() {
			_, err := s.Backup(t.Context(), r)
			done <- err
		}()
		<-reached
		// A megabyte and more, so that the file has to grow meanwhile.
		for n := range 40 {
			if err := s.SaveThrottle(t.Context(), bytes.Repeat([]byte{byte(n + 1)}, 100_000)); err != nil {
				t.Fatal(err)
			}
			newUser(t, s, fmt.Sprintf("late%d@example.com", n))
		}
		close(r.goOn)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		info, err := CheckBackup(bytes.NewReader(r.Bytes()))
		if err != nil || info.Users != 2 {
			t.Errorf("the backup has %d users: %v", info.Users, err)
		}
	})
}

func TestABackupOntoAFullDiskSaysSo(t *testing.T) {
	s := open(t, mem.New(), newClock())
	furnish(t, s)
	for _, room := range []int{0, 100, 1000} {
		if _, err := s.Backup(t.Context(), &full{room}); !errors.Is(err, errFull) {
			t.Fatal(err)
		}
	}
}

func FuzzReadBackup(f *testing.F) {
	f.Add(seal(backupHeader{StoreID: "s", Incarnation: "i"}, "m", "x", "u/x", "{}"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var pairs []string
		info, err := ReadBackup(bytes.NewReader(file), func(key, value []byte) error {
			pairs = append(pairs, string(key), string(value))
			return nil
		})
		if err != nil {
			return
		}
		h := backupHeader{CreatedAt: info.CreatedAt, StoreID: info.StoreID, Incarnation: info.Incarnation}
		again, err := ReadBackup(bytes.NewReader(seal(h, pairs...)), nil)
		if err != nil || again.Pairs != info.Pairs || len(pairs) != 2*info.Pairs {
			t.Fatalf("a backup that was read is not read when it is written again: %v", err)
		}
	})
}
