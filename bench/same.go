package main

import (
	"bytes"
	"context"
	"errors"

	"signet/bench/internal/load"
)

const floorSame = "bare Echo, the same bytes"

var errOther = errors.New("another answer than the first one")

// alike tells whether an answer is what is expected.
type alike func(answer, first []byte) bool

// asLong is for what is signed anew now and then.
func asLong(answer, first []byte) bool { return len(answer) == len(first) }

// sameBytes are the sides of a request that is always answered alike: the floor
// answers with the bytes of the first answer.
func (s *Stage) sameBytes(at string, r load.Request, is alike) (measured, floor Side, err error) {
	first, err := s.putAnswer(at, r)
	if err != nil {
		return measured, floor, err
	}
	bare := r
	bare.Path = "/same"
	measured = s.measured(at, func(_ context.Context, _ int, c *load.Conn) error { return askSame(c, r, first, is) })
	floor = s.floorSide(func(_ context.Context, _ int, c *load.Conn) error { return askSame(c, bare, first, is) })
	return measured, floor, nil
}

func askSame(c *load.Conn, r load.Request, want []byte, is alike) error {
	body, err := c.Do(r)
	if err == nil && !is(body, want) {
		err = errOther
	}
	return err
}

// putAnswer asks once, and gives the answer to the floor.
func (s *Stage) putAnswer(at string, r load.Request) ([]byte, error) {
	c, err := load.Dial(at)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	body, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	body = bytes.Clone(body)
	return body, errors.Join(s.put("answer", body), s.put("media-type", []byte(c.Type())))
}

// sameDocument is a row of a document that anybody may get.
func sameDocument(name, what string, is alike, at func(context.Context, *Stage) (string, error), claims ...promise) Row {
	return Row{Name: name, What: what, Floor: floorSame, Claims: claims,
		Prepare: func(ctx context.Context, s *Stage) (measured, floor Side, err error) {
			found, err := at(ctx, s)
			if err != nil {
				return measured, floor, err
			}
			path, err := pathOf(found)
			if err != nil {
				return measured, floor, err
			}
			return s.sameBytes(found, load.Request{Path: path}, is)
		}}
}
