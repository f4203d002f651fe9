package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// What is promised of the round trips to an engine. A block of the status list
// is reserved for a client now and then.
const (
	mostTrips    = 2
	tripNoise    = 0.05 // what the issuers do by themselves is not the same in each second
	reservations = 0.05
)

func (e *Engines) write(out io.Writer) error {
	fmt.Fprint(out, "\nOne, two and three issuers on each engine, each request of a connection to another one. Of one request: CPU of the issuers,\n"+
		"round trips to the engine, transactions of the issuers and those made again (idp stats), commits of the engine.\n")
	w := newTable(out)
	fmt.Fprintln(w, "\tengine\tissuers\trequest\tconns\treq/s\tp50\tp99\tCPU\ttrips\ttransactions\tagain\tcommits\terrors\t")
	for _, l := range e.Lines {
		fmt.Fprintf(w, "\t%s\t%d\t%s\t%d\t%s%s\t%.2f\t%.2f\t%.2f\t%s\t\n", l.Engine, l.Issuers, l.Row, l.Conns, scaleCells(l.Sample),
			l.trips(), l.Cost.Transactions, l.Cost.Conflicts, l.Cost.Commits, failures(l.Sample))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := e.writeSizing(out); err != nil {
		return err
	}
	for _, f := range e.First {
		fmt.Fprintf(out, "  %s: a refresh at an issuer that has seen neither the grant nor the person: %.2f round trips (%d people)\n", f.Engine, f.Trips, f.People)
	}
	for _, a := range e.Alone {
		fmt.Fprintf(out, "  %s: an issuer by itself: %.2f round trips a second, which are taken off above\n", a.Engine, a.Trips)
	}
	for _, o := range e.LeftOut {
		fmt.Fprintf(out, "  %s: left out: %s\n", o.Row, o.Why)
	}
	return nil
}

// trips are those to a store elsewhere.
func (l EngineLine) trips() string {
	if l.Engine == onBolt {
		return unknown
	}
	return fmt.Sprintf("%.2f", l.Cost.Trips)
}

// sizing are the lines of one issuer that is asked by one.
func (e *Engines) sizing() (lines []EngineLine) {
	for _, l := range e.Lines {
		if l.Issuers == 1 && l.Row != clientsRow {
			lines = append(lines, l)
		}
	}
	slices.SortStableFunc(lines, func(a, b EngineLine) int { return cmp.Compare(a.Row, b.Row) })
	return lines
}

func (e *Engines) writeSizing(out io.Writer) error {
	fmt.Fprint(out, "\nWhat a login and a refresh cost the engine, with one issuer. Written: to its log, by all members; of bolt to the disk.\n"+
		"Kept: how much more it has afterwards, old revisions of etcd and old rows of PostgreSQL included until they are swept.\n")
	w := newTable(out)
	fmt.Fprintln(w, "\trequest\tengine\tconns\trequests\ttransactions\tcommits\tbytes written\tbytes kept\t")
	for _, l := range e.sizing() {
		fmt.Fprintf(w, "\t%s\t%s\t%d\t%d\t%.2f\t%.2f\t%.0f\t%.0f\t\n", l.Row, l.Engine, l.Conns, len(l.Sample.Latencies),
			l.Cost.Transactions, l.Cost.Commits, l.Cost.Written, l.Cost.Kept)
	}
	return w.Flush()
}

// claims are of the line of an engine that took the most round trips.
func (e *Engines) claims() (claims []Claim) {
	for _, p := range []struct {
		row, says string
		most      float64
	}{
		{turnsRow, "at most 2", mostTrips + tripNoise},
		{clientsRow, "none, but for a reservation now and then", reservations},
	} {
		worst := map[string]EngineLine{}
		failed := map[string]bool{}
		var names []string
		for _, l := range e.Lines {
			if l.Row != p.row || l.Engine == onBolt {
				continue
			}
			before, there := worst[l.Engine]
			if !there {
				names = append(names, l.Engine)
			}
			if !there || l.Cost.Trips > before.Cost.Trips {
				worst[l.Engine] = l
			}
			failed[l.Engine] = failed[l.Engine] || l.Sample.Errors+l.Sample.Busy > 0 || len(l.Sample.Latencies) == 0
		}
		for _, name := range names {
			l := worst[name]
			claims = append(claims, Claim{p.row + " on " + name,
				fmt.Sprintf("%.2f round trips to the engine (%d issuers, %d connections); promised: %s", l.Cost.Trips, l.Issuers, l.Conns, p.says),
				l.Cost.Trips <= p.most && !failed[name]})
		}
	}
	for _, f := range e.First {
		claims = append(claims, Claim{"first refresh on " + f.Engine,
			fmt.Sprintf("%.2f round trips at an issuer that has seen neither grant nor person; promised: at most 2", f.Trips), f.Trips <= mostTrips+tripNoise})
	}
	return claims
}

func (e *Engines) figures() any {
	type line struct {
		Engine  string     `json:"engine"`
		Issuers int        `json:"issuers"`
		Row     string     `json:"row"`
		Conns   int        `json:"connections"`
		Figures figures    `json:"measured"`
		Cost    EngineCost `json:"of_one_request"`
	}
	type trips struct {
		Engine string  `json:"engine"`
		Trips  float64 `json:"round_trips"`
	}
	var doc struct {
		Lines   []line     `json:"rows"`
		First   []trips    `json:"refresh_at_first_sight"`
		Alone   []trips    `json:"an_issuer_by_itself_per_second"`
		LeftOut []Omission `json:"left_out,omitempty"`
	}
	doc.LeftOut = e.LeftOut
	for _, l := range e.Lines {
		doc.Lines = append(doc.Lines, line{l.Engine, l.Issuers, l.Row, l.Conns, figuresOf(l.Sample), l.Cost})
	}
	for _, f := range e.First {
		doc.First = append(doc.First, trips{f.Engine, f.Trips})
	}
	for _, a := range e.Alone {
		doc.Alone = append(doc.Alone, trips(a))
	}
	return doc
}
