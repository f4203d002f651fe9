//go:build crash

package prove

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"signet/prove/disk"
	"signet/prove/issuer"
)

var cuts = flag.Int("cuts", 200, "at how many points the power is cut")

// What was acknowledged before the power was cut, at any point and whatever
// the disk did with what was not synced, is there, and nothing that was ended
// is alive.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	powerCut(t, newHome(t, nil), *cuts)
}

// The same where pairs wait in the journal, as they do in a large store.
func TestPowerCutOverAJournal(t *testing.T) {
	t.Parallel()
	powerCut(t, journaled(t, newHome(t, nil)), *cuts/2)
}

func powerCut(t *testing.T, home issuer.Home, cuts int) {
	r := random(t)
	run := record(t, home, r, 300)
	begin := time.Now()
	losses := run.cut(t, r, cuts)
	for _, err := range losses[:min(len(losses), 5)] {
		t.Error(err)
	}
	t.Logf("%d events, %d syncs, %d acknowledgements, %d keys revoked; %d power cuts in %s: %d losses", len(run.events), run.syncs(),
		run.acknowledged, len(run.crew.keys.revoked), cuts+firstEvents, time.Since(begin).Round(time.Millisecond), len(losses))

	// What the power cut left is not only right when it is read: the issuer
	// goes on with it.
	for range 5 {
		run.goOn(t, r, firstEvents)
		run.goOn(t, r, len(run.events))
	}
}

// An issuer that does not sync must be caught: else the test above would
// prove nothing.
func TestPowerCutNoticesAMissingSync(t *testing.T) {
	t.Parallel()
	r := random(t)
	home := newHome(t, nil)
	var err error
	home.Binary, err = issuer.Build(t.TempDir(), "idp",
		issuer.Edit{File: "data/kv/engines/engines.go", Old: "bolt.Options{", New: "bolt.Options{NoSync: true, "})
	if err != nil {
		t.Fatal(err)
	}
	run := record(t, home, r, 100)
	losses := run.cut(t, r, *cuts/2)
	t.Logf("%d events, %d syncs, %d acknowledgements; %d power cuts: %d losses", len(run.events), run.syncs(),
		run.acknowledged, *cuts/2+firstEvents, len(losses))
	if len(losses) == 0 {
		t.Fatal("an issuer without a single sync lost nothing: this test cannot see a loss")
	}
	t.Logf("such as: %.300s", losses[0].Error())
}

// recording is what an issuer did to its disk, and what its clients were told
// meanwhile.
type recording struct {
	home         issuer.Home
	crew         *crew
	events       []disk.Event
	acknowledged int64
}

// record runs an issuer from its very first start, under strace, until it has
// acknowledged count requests.
func record(t *testing.T, home issuer.Home, r *rand.Rand, count int64) *recording {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatalf("the power cut needs strace (apt-get install strace): %v", err)
	}
	// A new folder is the business of whoever made it; what is in it is ours.
	if err := os.Mkdir(home.State, 0o700); err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	home.Under = disk.Command(trace)
	run := &recording{home: home, crew: newCrew(home, r)}
	run.crew.operations = 4
	p := start(t, home)
	o := run.crew.load(t, count, p.Kill)
	p.Kill()
	if t.Failed() {
		t.FailNow()
	}
	run.acknowledged = o.acknowledged.Load()
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if run.events, err = disk.Read(f, home.State); err != nil {
		t.Fatal(err)
	}
	return run
}

func (run *recording) syncs() (n int) {
	for _, e := range run.events {
		if e.Syncs() {
			n++
		}
	}
	return n
}

// firstEvents is about as many as an issuer needs for its first start; the
// power is cut before each of them.
const firstEvents = 100

// cut cuts the power before count random events, and before each of the first,
// and judges what is left.
func (run *recording) cut(t *testing.T, r *rand.Rand, count int) (losses []error) {
	t.Helper()
	at := map[int]int{}
	for i := range min(firstEvents, len(run.events)) {
		at[i]++
	}
	for range count {
		at[r.IntN(len(run.events))]++
	}
	p := disk.NewPlayer(run.home.State)
	judge := newJudge()
	for i, e := range run.events {
		for range at[i] {
			folder := run.leave(t, p.Cut(r))
			if err := judge.look(t.Context(), folder, run.crew, e.At); err != nil {
				losses = append(losses, fmt.Errorf("the power cut before event %d of %d: %w", i, len(run.events), err))
			}
			if err := os.RemoveAll(folder); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Play(e); err != nil {
			t.Fatal(err)
		}
	}
	return losses
}

// leave writes what a power cut left into a folder.
func (run *recording) leave(t *testing.T, files map[string][]byte) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "left")
	err := os.MkdirAll(folder, 0o700)
	for name, content := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(folder, name), content, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// goOn cuts the power before one of so many events and starts the issuer on
// what is left.
func (run *recording) goOn(t *testing.T, r *rand.Rand, among int) {
	t.Helper()
	p := disk.NewPlayer(run.home.State)
	until := r.IntN(min(among, len(run.events)))
	for _, e := range run.events[:until] {
		if err := p.Play(e); err != nil {
			t.Fatal(err)
		}
	}
	home := run.home
	home.Under, home.State = nil, run.leave(t, p.Cut(r))
	process, err := home.Start()
	if err != nil {
		t.Errorf("after a power cut before event %d of %d: %v", until, len(run.events), err)
		return
	}
	defer process.Kill()
	then := run.crew.at(t, run.events[until].At)
	then.audit(t, true)
}

// at returns a crew that stands where this one stood at an instant.
func (c *crew) at(t *testing.T, instant time.Time) *crew {
	t.Helper()
	then := newCrew(c.home, c.rand)
	for kid, at := range c.keys.revoked {
		if at.Before(instant) {
			then.keys.revoked[kid] = at
		}
	}
	for i, people := range c.workers {
		for _, p := range people {
			past, err := p.Person.Until(instant)
			if err != nil {
				t.Fatal(err)
			}
			then.workers[i] = append(then.workers[i], &person{Person: past, rand: c.rand, chains: p.chains, passwords: p.passwords,
				onAccess: then.keys.sawToken})
		}
	}
	return then
}
