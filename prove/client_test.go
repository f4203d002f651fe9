//go:build crash

package prove

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"signet/prove/issuer"
	"signet/prove/ledger"
)

// person is an honest client: it presents what it got, keeps the newest
// token, and asks again when there was no answer.
type person struct {
	*ledger.Person
	client    *issuer.Client
	rand      *rand.Rand
	chains    int
	passwords int
	doubtful  bool // it registered or changed its password since it was last audited

	onAccess func(signed) // hears of every access token
}

func newPerson(name string, r *rand.Rand, onAccess func(signed)) *person {
	return &person{Person: ledger.NewPerson(name + "@example.com"), rand: r, onAccess: onAccess}
}

// do asks for one thing and enters it in the ledger.
func (p *person) do(ctx context.Context, op ledger.Op) (issuer.Result, error) {
	e := ledger.Entry{Op: op, Begin: time.Now()}
	var tokens issuer.Tokens
	var answer issuer.Answer
	switch op.Kind {
	case ledger.Register:
		answer = p.client.Register(ctx, p.Email, op.Password)
	case ledger.Login:
		tokens, answer = p.client.Login(ctx, p.Email, op.Password)
	case ledger.Refresh:
		tokens, answer = p.client.Refresh(ctx, op.Token)
	case ledger.Logout:
		answer = p.client.Logout(ctx, op.Token)
	}
	e.End, e.Result, e.Got, e.Note = time.Now(), answer.Result, tokens.Refresh, answer.String()
	if answer.Result == issuer.Done && tokens.Access != "" {
		p.onAccess(signed{tokens.Access, p, op.Chain})
	}
	return answer.Result, p.Add(e)
}

// changePassword takes a turn first, for an access token that is fresh, and
// asks with that.
func (p *person) changePassword(ctx context.Context, old string, chain int, token string) (issuer.Result, error) {
	begin := time.Now()
	tokens, answer := p.client.Refresh(ctx, token)
	err := p.Add(ledger.Entry{Op: ledger.Op{Kind: ledger.Refresh, Chain: chain, Token: token, Got: tokens.Refresh},
		Begin: begin, End: time.Now(), Result: answer.Result, Note: answer.String()})
	if err != nil || answer.Result != issuer.Done {
		return answer.Result, err
	}
	op := ledger.Op{Kind: ledger.ChangePassword, Chain: chain, Password: old, New: p.newPassword()}
	e := ledger.Entry{Op: op, Begin: time.Now()}
	answer = p.client.ChangePassword(ctx, tokens.Access, op.Password, op.New)
	e.End, e.Result, e.Note = time.Now(), answer.Result, answer.String()
	if answer.Result == issuer.Refused && answer.Code == "invalid_token" {
		return issuer.Refused, nil // its key was revoked in the meantime: it was not looked at
	}
	p.doubtful = true
	return answer.Result, p.Add(e)
}

func (p *person) newPassword() string {
	p.passwords++
	return fmt.Sprintf("a password %d of %s", p.passwords, p.Email)
}

func (p *person) login(ctx context.Context, password string) (issuer.Result, error) {
	p.chains++
	return p.do(ctx, ledger.Op{Kind: ledger.Login, Password: password, Chain: p.chains})
}

// mostChains is how many living families a person has at most.
const mostChains = 4

// step does one thing that makes sense in one of the worlds that are possible.
func (p *person) step(ctx context.Context) (issuer.Result, error) {
	worlds := p.Worlds()
	w := worlds[p.rand.IntN(len(worlds))]
	if !w.Registered {
		p.doubtful = true
		return p.do(ctx, ledger.Op{Kind: ledger.Register, Password: p.newPassword()})
	}
	alive, dead := p.families(w)
	dice := p.rand.IntN(200)
	switch {
	case len(alive) == 0, dice < 3 && len(alive) < mostChains, passwordsDiffer(worlds):
		return p.login(ctx, w.Password)
	case dice < 10 && len(alive) > 1:
		id := p.pick(alive)
		return p.do(ctx, ledger.Op{Kind: ledger.Logout, Chain: id, Token: w.Chains[id].Newest})
	case dice < 12:
		id := p.pick(alive)
		return p.changePassword(ctx, w.Password, id, w.Chains[id].Newest)
	case dice < 24 && len(dead) > 0:
		return p.refresh(ctx, w, p.pick(dead))
	}
	return p.refresh(ctx, w, p.pick(alive))
}

func passwordsDiffer(worlds []ledger.World) bool {
	return slices.ContainsFunc(worlds, func(w ledger.World) bool { return w.Password != worlds[0].Password })
}

func (p *person) refresh(ctx context.Context, w ledger.World, id int) (issuer.Result, error) {
	return p.do(ctx, ledger.Op{Kind: ledger.Refresh, Chain: id, Token: w.Chains[id].Newest})
}

func (p *person) pick(ids []int) int { return ids[p.rand.IntN(len(ids))] }

// families lists the chains, in their order.
func (p *person) families(w ledger.World) (alive, dead []int) {
	for id := range p.chains + 1 {
		c, known := w.Chains[id]
		switch {
		case !known || c.Newest == "":
		case c.Alive:
			alive = append(alive, id)
		default:
			dead = append(dead, id)
		}
	}
	return alive, dead
}

// deadAudited is how many dead families are tried again in one audit, beside
// all that live.
const deadAudited = 3

// audit asks for what must be there, and for what must not. The ledger judges
// the answers; one that did not come is an error here.
func (p *person) audit(ctx context.Context, everything bool) error {
	if err := p.auditPassword(ctx, everything); err != nil {
		return err
	}
	w := p.Worlds()[0]
	alive, dead := p.families(w)
	p.rand.Shuffle(len(dead), func(i, j int) { dead[i], dead[j] = dead[j], dead[i] })
	if !everything && len(dead) > deadAudited {
		dead = dead[:deadAudited]
	}
	for _, id := range append(alive, dead...) {
		if err := mustAnswer(p.refresh(ctx, w, id)); err != nil {
			return fmt.Errorf("%s: %w", p.Email, err)
		}
	}
	return nil
}

// auditPassword logs in with each password that may be the right one.
func (p *person) auditPassword(ctx context.Context, everything bool) error {
	if !everything && !p.doubtful {
		return nil
	}
	tried := map[string]bool{}
	for _, w := range p.Worlds() {
		if w.Registered && !tried[w.Password] {
			tried[w.Password] = true
			if err := mustAnswer(p.login(ctx, w.Password)); err != nil {
				return fmt.Errorf("%s: %w", p.Email, err)
			}
		}
	}
	p.doubtful = false
	return nil
}

func mustAnswer(r issuer.Result, err error) error {
	if err == nil && r == issuer.Unknown {
		err = fmt.Errorf("the issuer runs, and gave no answer")
	}
	return err
}
