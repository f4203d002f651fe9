package main

import (
	"encoding/json"
	"io"

	"signet/bench/internal/load"
)

// figures are a sample as JSON; times are in microseconds, and a percentile
// that too few requests support is absent.
type figures struct {
	Rate    float64  `json:"requests_per_second"`
	P50     *float64 `json:"p50_us,omitempty"`
	P99     *float64 `json:"p99_us,omitempty"`
	P999    *float64 `json:"p99_9_us,omitempty"`
	CPUEach float64  `json:"cpu_us_per_request,omitempty"`
	Count   int      `json:"requests"`
	Busy    int      `json:"busy"`
	Errors  int      `json:"errors"`
}

func figuresOf(s load.Sample) figures {
	at := func(q float64) *float64 {
		d, ok := s.Percentile(q)
		if !ok {
			return nil
		}
		us := float64(d) / 1e3
		return &us
	}
	return figures{s.Rate(), at(0.5), at(0.99), at(0.999), float64(s.CPUEach()) / 1e3, len(s.Latencies), s.Busy, s.Errors}
}

// rowFigures is a line as JSON.
type rowFigures struct {
	Row      string      `json:"row"`
	Conns    int         `json:"connections"`
	Measured figures     `json:"measured"`
	Floor    figures     `json:"floor"`
	Ratio    load.Spread `json:"of_floor"`
	Allocs   *float64    `json:"allocations_per_request,omitempty"`
	Commits  *float64    `json:"commits_per_request,omitempty"`
}

func (l Line) figures() rowFigures {
	out := rowFigures{Row: l.Row, Conns: l.Conns, Measured: figuresOf(l.Measured), Floor: figuresOf(l.Floor), Ratio: l.Ratio}
	if l.Cost.Known {
		out.Allocs, out.Commits = &l.Cost.Allocs, &l.Cost.Commits
	}
	return out
}

// writeJSON prints the report for programs. Sections are under their names.
func (r Report) writeJSON(out io.Writer) error {
	doc := struct {
		Machine  string         `json:"machine"`
		Of       string         `json:"measured"`
		Rows     []rowFigures   `json:"rows,omitempty"`
		LeftOut  []Omission     `json:"left_out,omitempty"`
		Sections map[string]any `json:"sections,omitempty"`
		Claims   []Claim        `json:"claims,omitempty"`
	}{Machine: r.Machine, Of: r.Of, LeftOut: r.LeftOut, Sections: map[string]any{}, Claims: r.claims()}
	for _, l := range r.Rows {
		doc.Rows = append(doc.Rows, l.figures())
	}
	for _, p := range r.Sections {
		doc.Sections[p.Name] = p.Section.figures()
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}
