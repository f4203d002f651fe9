package grant

import (
	"context"
	"errors"
	"testing"
	"time"

	"signet/data/kv/mem"

	"pgregory.net/rapid"
)

// family is what the turn means, told without numbers: tokens hang in a tree
// under the token that they were given for. It knows nothing of generations,
// records or MACs.
type family struct {
	policy Policy
	dead   bool
	newest string    // the token that was given last
	above  string    // the one that it was given for
	at     time.Time // when, on a clock that never goes back
	used   time.Time // the time to live counts from here
	end    time.Time
}

// lives tells whether any of its tokens is good for anything.
func (f *family) lives(now time.Time) bool {
	return !f.dead && now.Sub(f.used) < f.policy.TTL && now.Before(f.end)
}

const (
	saysNew  = "a new token"
	saysSame = "the same again"
	saysNo   = "refused"
)

// expect says what must come of presenting the token, and notes that it was.
func (f *family) expect(text string, now time.Time) string {
	if now.Before(f.at) {
		now = f.at
	}
	if !f.lives(now) {
		f.dead = true
		return saysNo
	}
	switch {
	case text == f.newest:
		f.above = text
	case text == f.above && now.Sub(f.at) < f.policy.Grace:
		return saysSame
	case text == f.above && f.policy.Late == LateFork:
	default:
		f.dead = true
		return saysNo
	}
	f.at, f.used = now, now
	return saysNew
}

// someone holds one token, and replaces it by each answer that arrives.
type someone struct {
	held string
	out  bool // they were told that it is over
}

// play is a run of the model beside the real thing.
type play struct {
	*world
	t      *rapid.T
	f      family
	seen   map[string]bool
	owner  someone
	thief  someone
	stolen bool
}

func newPlay(t *rapid.T, tb testing.TB, late Late) *play {
	p := testPolicy
	p.Late = late
	w := newWorld(tb, mem.New(), p)
	first := w.start()
	// Grants that have no refresh token change nothing for those that have.
	for range rapid.IntRange(0, 3).Draw(t, "grants without a refresh token") {
		_, err := w.Start(context.Background(), StartRequest{User: w.user, Client: "signet", Access: time.Hour})
		must(tb, err)
	}
	now := w.clock.Now()
	return &play{
		world: w, t: t, seen: map[string]bool{first: true}, owner: someone{held: first},
		f: family{policy: p, newest: first, at: now, used: now, end: now.Add(p.Max)},
	}
}

// present gives the token to the issuer and holds the answer against the model,
// after what Read says of it.
func (p *play) present(text string) string {
	before := p.engine.Writes.Load()
	_, _, read := p.Read(context.Background(), text)
	if p.engine.Writes.Load() != before {
		p.t.Fatal("a token that was only read changed something")
	}
	now := p.clock.Now()
	newest := text == p.f.newest && p.f.lives(now)
	if (read == nil) != newest || read != nil && !errors.Is(read, ErrInvalid) {
		p.t.Fatalf("the newest: %t; read as %v", newest, read)
	}
	want := p.f.expect(text, now)
	issued, err := p.Turn(context.Background(), text, nil)
	next := string(issued.RefreshToken)
	switch {
	case want == saysNo:
		if !errors.Is(err, ErrInvalid) {
			p.t.Fatalf("%v, %v instead of a refusal", issued.Outcome, err)
		}
	case err != nil:
		p.t.Fatalf("%v instead of %s", err, want)
	case want == saysSame && next != p.f.newest:
		p.t.Fatalf("%v gave another token", issued.Outcome)
	case want == saysNew && p.seen[next]:
		p.t.Fatalf("%v gave a token for the second time", issued.Outcome)
	}
	if want == saysNew {
		p.f.newest = next
		p.seen[next] = true
	}
	return next
}

// refresh is what a client does: it presents what it holds, and may never hear
// the answer.
func (p *play) refresh(who *someone, lost bool) {
	next := p.present(who.held)
	switch {
	case next == "":
		who.out = true
	case !lost:
		who.held = next
	}
}

func (p *play) pass(label string) {
	p.clock.Move(rapid.SampledFrom([]time.Duration{
		0, 1, time.Second, 29 * time.Second, 30*time.Second - 1, 30 * time.Second, time.Minute,
		time.Hour, day, 29 * day, -1, -time.Minute, -day, -400 * day,
	}).Draw(p.t, label))
}

// passUnused keeps an honest client within its time to live, by its own count
// of elapsed time: what it was not used for, and the end of the grant.
func (p *play) passUnused() {
	before := p.clock.Now()
	p.pass("pause")
	now := p.clock.Now()
	if now.Sub(p.f.used) >= p.f.policy.TTL || !now.Before(p.f.end) {
		p.clock.Move(before.Sub(now))
	}
}

// An honest client, alone: answers get lost, retries come at once or much
// later, two tabs refresh at once, the clock jumps back. It is never told that
// it is over.
func TestAnHonestClientIsNeverLoggedOut(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := newPlay(r, t, LateFork)
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			p.passUnused()
			switch rapid.IntRange(0, 3).Draw(r, "how") {
			case 0: // two tabs hold the same token
				tab := p.owner
				p.refresh(&p.owner, false)
				p.refresh(&tab, false)
				if tab.held != p.owner.held && p.f.policy.Grace > 0 {
					r.Fatal("two tabs got two successors")
				}
			case 1: // an operator rotates the MAC keys
				p.macs.rotate()
				p.refresh(&p.owner, false)
			case 2: // the issuer is started again
				p.open(p.f.policy)
				p.refresh(&p.owner, rapid.Bool().Draw(r, "lost"))
			default:
				p.refresh(&p.owner, rapid.Bool().Draw(r, "lost"))
			}
			if p.owner.out {
				r.Fatal("an honest client was logged out")
			}
		}
	})
}

// A thief copies what the owner holds or ever held, and both go on as they
// like. The model says what each presentation must give; beyond that:
//
//   - a family that is dead answers nobody again;
//   - at any moment at most two tokens are good for anything: the newest and
//     the one that it was given for. So two people who hold different
//     successors of one token cannot both use them.
func TestAThiefAndAnOwner(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		late := rapid.SampledFrom([]Late{LateFork, LateRevoke}).Draw(r, "late")
		p := newPlay(r, t, late)
		held := []string{p.owner.held}
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			p.pass("pause")
			switch {
			case rapid.IntRange(0, 4).Draw(r, "theft") == 0:
				p.thief = someone{held: rapid.SampledFrom(held).Draw(r, "what")}
				p.stolen = true
			case p.stolen && rapid.Bool().Draw(r, "thief"):
				p.refresh(&p.thief, false)
			default:
				p.refresh(&p.owner, rapid.Bool().Draw(r, "lost"))
				held = append(held, p.owner.held)
			}
			if p.f.dead {
				p.deadForGood()
				return
			}
		}
	})
}

func (p *play) deadForGood() {
	for _, move := range []time.Duration{0, -500 * day, 100 * day, 1000 * day} {
		p.clock.Move(move)
		for text := range p.seen {
			if i, err := p.Turn(context.Background(), text, nil); !errors.Is(err, ErrInvalid) {
				p.t.Fatalf("a dead family answered: %v, %v", i.Outcome, err)
			}
		}
	}
}

// When a stolen token and its owner both go on, the family dies: a token is
// copied, and each of the two presents it and then what it got for it, in any
// order, with more than the grace before each presentation. The four cannot all
// be answered, so the family is dead at the latest with the fourth. (Two who
// keep presenting the same token within the grace of each other are two tabs
// to everyone; only a token that is bound to a key can tell them apart.)
func TestTheftIsFoundByTheFourthPresentation(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := newPlay(r, t, rapid.SampledFrom([]Late{LateFork, LateRevoke}).Draw(r, "late"))
		for range rapid.IntRange(0, 3).Draw(r, "turns before") {
			p.refresh(&p.owner, false)
		}
		p.thief = p.owner // the copy; from here on each goes on alone
		turns := rapid.Permutation([]*someone{&p.owner, &p.owner, &p.thief, &p.thief}).Draw(r, "order")
		answered := 0
		for _, who := range turns {
			p.clock.Move(p.f.policy.Grace + time.Duration(rapid.Int64Range(0, int64(5*day)).Draw(r, "pause")))
			if who.out {
				continue
			}
			p.refresh(who, false)
			if !who.out {
				answered++
			}
		}
		if !p.f.dead || answered > 3 {
			r.Fatalf("both went on: %d answers", answered)
		}
		p.deadForGood()
	})
}
