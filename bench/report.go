package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"signet/bench/internal/load"
)

// Report is all that came out.
type Report struct {
	Machine string
	Rows    []Line
	Storm   *Storm
}

func (r Report) writeTables(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, r.Machine)
	if len(r.Rows) > 0 {
		fmt.Fprint(out, "\nSignet beside the floor; of floor: Signet's requests a second by the floor's, median (least–most) of the rounds\n")
		fmt.Fprintln(w, "\trow\tconns\treq/s\tp50\tp99\tp99.9\tCPU each\tfloor req/s\tp50\tp99\tp99.9\tCPU each\tof floor\terrors\t")
	}
	for _, l := range r.Rows {
		fmt.Fprintf(w, "\t%s\t%d\t%s%s%.2f (%.2f–%.2f)\t%s\t\n", l.Row, l.Conns, cells(l.Signet), cells(l.Floor),
			l.Ratio.Median, l.Ratio.Min, l.Ratio.Max, failures(l.Signet, l.Floor))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	last := ""
	for _, l := range r.Rows {
		if l.Row != last {
			fmt.Fprintf(out, "  %s: %s; floor: %s\n", l.Row, l.What, l.FloorDoes)
		}
		last = l.Row
	}
	if r.Storm != nil {
		return r.Storm.write(out)
	}
	return nil
}

func cells(s load.Sample) string {
	cpu := "–"
	if s.CPU > 0 {
		cpu = short(s.CPUEach())
	}
	return fmt.Sprintf("%.0f\t%s\t%s\t%s\t%s\t", s.Rate(), percentile(s, 0.5), percentile(s, 0.99), percentile(s, 0.999), cpu)
}

func percentile(s load.Sample, q float64) string {
	d, ok := s.Percentile(q)
	if !ok {
		return "–"
	}
	return short(d)
}

// short keeps three digits.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.2fµs", float64(d)/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0fµs", float64(d)/1e3)
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2fms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%.0fms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2fs", d.Seconds())
}

func failures(samples ...load.Sample) string {
	all := load.Join(samples...)
	if all.Errors+all.Busy == 0 {
		return "0"
	}
	return fmt.Sprintf("%d, busy %d (%v)", all.Errors, all.Busy, all.First)
}

func (s *Storm) write(out io.Writer) error {
	fmt.Fprintf(out, "\nA storm of logins on %d connections (%.1f a second, %d put off, %d errors) beside an open loop of %.0f requests a second\n",
		stormLogins, s.Logins.Rate(), s.Logins.Busy, s.Logins.Errors, stormRate)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\trequest\tquiet p50\tp99\tstorm p50\tp99\tp99 ratio\terrors\tat most 5 times, or under 10 ms\t")
	for _, q := range s.Requests {
		verdict := "too few requests to say, or errors"
		if holds, ok := q.holds(); ok && holds {
			verdict = "holds"
		} else if ok {
			verdict = "DOES NOT HOLD"
		}
		fmt.Fprintf(w, "\t%s\t%s\t%s\t%s\t%s\t%.1f\t%s\t%s\t\n", q.What, percentile(q.Quiet, 0.5), percentile(q.Quiet, 0.99),
			percentile(q.Storm, 0.5), percentile(q.Storm, 0.99), q.ratio(), failures(q.Quiet, q.Storm), verdict)
	}
	return w.Flush()
}

func (w Weather) ratio() float64 {
	quiet, _ := w.Quiet.Percentile(0.99)
	storm, _ := w.Storm.Percentile(0.99)
	if quiet == 0 {
		return 0
	}
	return float64(storm) / float64(quiet)
}

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

func (r Report) writeJSON(out io.Writer) error {
	type row struct {
		Row    string      `json:"row"`
		Conns  int         `json:"connections"`
		Signet figures     `json:"signet"`
		Floor  figures     `json:"floor"`
		Ratio  load.Spread `json:"of_floor"`
	}
	type weather struct {
		Request string  `json:"request"`
		Quiet   figures `json:"quiet"`
		Storm   figures `json:"storm"`
		Ratio   float64 `json:"p99_ratio"`
		Holds   bool    `json:"holds"`
	}
	doc := struct {
		Machine string    `json:"machine"`
		Rows    []row     `json:"rows,omitempty"`
		Storm   []weather `json:"storm,omitempty"`
		Logins  *figures  `json:"storm_logins,omitempty"`
	}{Machine: r.Machine}
	for _, l := range r.Rows {
		doc.Rows = append(doc.Rows, row{l.Row, l.Conns, figuresOf(l.Signet), figuresOf(l.Floor), l.Ratio})
	}
	if r.Storm != nil {
		logins := figuresOf(r.Storm.Logins)
		doc.Logins = &logins
		for _, w := range r.Storm.Requests {
			holds, ok := w.holds()
			doc.Storm = append(doc.Storm, weather{w.What, figuresOf(w.Quiet), figuresOf(w.Storm), w.ratio(), holds && ok})
		}
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}
