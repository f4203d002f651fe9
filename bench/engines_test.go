package main

import (
	"errors"
	"testing"
	"time"

	"signet/bench/internal/load"
)

func TestRoundTripsArePromisedOfTheWorstLine(t *testing.T) {
	at := func(engine, row string, issuers int, trips float64) EngineLine {
		return EngineLine{Engine: engine, Issuers: issuers, Row: row, Conns: 1, Sample: sample(100, 1, time.Millisecond), Cost: EngineCost{Trips: trips}}
	}
	failed := at("etcd", clientsRow, 1, 0)
	failed.Sample = load.Join(failed.Sample, load.Sample{Errors: 1, First: errors.New("refused")})
	silent := at("etcd", clientsRow, 1, 0)
	silent.Sample = load.Sample{}
	for _, c := range []struct {
		what  string
		e     Engines
		holds []bool // of the claims that are made
	}{
		{"nothing was measured", Engines{}, nil},
		{"the embedded engine has no round trips", Engines{Lines: []EngineLine{at(onBolt, turnsRow, 1, 0)}}, nil},
		{"logins are not promised", Engines{Lines: []EngineLine{at("etcd", "login", 1, 6)}}, nil},
		{"two for a refresh", Engines{Lines: []EngineLine{at("etcd", turnsRow, 1, 1), at("etcd", turnsRow, 3, 2)}}, []bool{true}},
		{"more with three issuers", Engines{Lines: []EngineLine{at("etcd", turnsRow, 1, 1), at("etcd", turnsRow, 3, 2.1)}}, []bool{false}},
		{"more with one", Engines{Lines: []EngineLine{at("etcd", turnsRow, 1, 2.1), at("etcd", turnsRow, 3, 1)}}, []bool{false}},
		{"each engine for itself", Engines{Lines: []EngineLine{at("etcd", turnsRow, 1, 3), at("PostgreSQL", turnsRow, 1, 1)}}, []bool{false, true}},
		{"none for a client", Engines{Lines: []EngineLine{at("etcd", clientsRow, 1, 0.01)}}, []bool{true}},
		{"one in ten", Engines{Lines: []EngineLine{at("etcd", clientsRow, 1, 0.1)}}, []bool{false}},
		{"none, beside errors", Engines{Lines: []EngineLine{failed}}, []bool{false}},
		{"none, of no request", Engines{Lines: []EngineLine{silent}}, []bool{false}},
		{"three at first sight", Engines{First: []FirstSight{{"etcd", 16, 3}}}, []bool{false}},
	} {
		claims := c.e.claims()
		for i, claim := range claims {
			if len(claims) != len(c.holds) || claim.Holds != c.holds[i] {
				t.Errorf("%s: %v, want %v", c.what, claims, c.holds)
				break
			}
		}
		if len(claims) != len(c.holds) {
			t.Errorf("%s: %d claims, want %d", c.what, len(claims), len(c.holds))
		}
	}
}

func TestWhatAnIssuerDoesByItselfIsTakenOff(t *testing.T) {
	w := &engineWorld{alone: spent{trips: 2, written: 1000}}
	m := engineMeter{spent: spent{trips: 110, transactions: 100, written: 3000}, took: 5 * time.Second}
	if got := m.each(w, 100); got != (EngineCost{Trips: 1, Transactions: 1}) {
		t.Errorf("%+v", got)
	}
	if got := m.each(w, 0); got != (EngineCost{}) {
		t.Errorf("of no request: %+v", got)
	}
}
