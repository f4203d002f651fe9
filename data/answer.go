package data

import (
	"context"
	"errors"

	"signet/data/kv"
)

// AnswerRequest ends an authorization request and stores the code that answers
// it, if one does: both or neither. Of any number of callers one does it; the
// others get ErrNone, as does one who decided about a request that is not any
// more what it was.
func (s *Store) AnswerRequest(ctx context.Context, was Request, code *Code) error {
	return s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		r, err := s.Requests.get(tx, was.Hash)
		if errors.Is(err, ErrNone) || err == nil && !r.same(was) {
			return ErrNone, nil
		}
		if err != nil {
			return nil, err
		}
		tx.Delete(s.Requests.key(was.Hash))
		if code == nil {
			return nil, nil
		}
		return nil, s.Codes.create(tx, *code)
	})
}

// same tells whether the person did nothing in between.
func (r Request) same(was Request) bool {
	return r.Browser == was.Browser && r.Account == was.Account && r.SignedIn.Equal(was.SignedIn) &&
		r.Consented == was.Consented && r.Scope == was.Scope && r.Declined == was.Declined
}
