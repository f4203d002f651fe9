package main

import (
	"bytes"
	"context"
	"errors"

	"signet/bench/internal/load"
)

var userinfoSeenRow = Row{
	Name: "userinfo-seen", Alg: "ES256", What: "GET userinfo, a token seen before", Floor: floorSame, Claims: []promise{ofFloor(0.50)},
	Prepare: func(ctx context.Context, s *Stage) (measured, floor Side, err error) {
		at, request, m, err := s.userinfo(ctx)
		if err != nil {
			return measured, floor, err
		}
		token, err := m.one(ctx)
		if err != nil {
			return measured, floor, err
		}
		return s.sameBytes(at, request(token), bytes.Equal)
	},
}

var userinfoFirstRow = Row{
	Name: "userinfo-first", Alg: "ES256", What: "GET userinfo, another token each time",
	Floor: "Echo, one verification, the same bytes", Claims: []promise{ofFloor(0.60)},
	Prepare: func(ctx context.Context, s *Stage) (measured, floor Side, err error) {
		at, request, m, err := s.userinfo(ctx)
		if err != nil {
			return measured, floor, err
		}
		return s.firstSights(ctx, once{at, m, request, hasSub, "/userinfo"})
	},
}

func (s *Stage) userinfo(ctx context.Context) (at string, request func(token string) load.Request, m minter, err error) {
	if at, err = endpoint("userinfo_endpoint", s.Provider.Userinfo); err != nil {
		return at, nil, m, err
	}
	path, err := pathOf(at)
	if err != nil {
		return at, nil, m, err
	}
	m, err = s.personMinter(ctx)
	return at, func(token string) load.Request {
		return load.Request{Path: path, Authorization: load.Bearer(token)}
	}, m, err
}

func hasSub(body []byte) error {
	if !bytes.Contains(body, []byte(`"sub":"`)) {
		return errors.New("an answer without a sub")
	}
	return nil
}
