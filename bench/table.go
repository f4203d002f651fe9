package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"signet/bench/internal/load"
)

// writeTables prints the report for people.
func (r Report) writeTables(out io.Writer) error {
	fmt.Fprintln(out, r.Machine)
	if err := r.writeRows(out); err != nil {
		return err
	}
	for _, o := range r.LeftOut {
		fmt.Fprintf(out, "  %s: left out: %s\n", o.Row, o.Why)
	}
	for _, p := range r.Sections {
		if err := p.write(out); err != nil {
			return err
		}
	}
	return writeClaims(out, r.claims())
}

func (r Report) writeRows(out io.Writer) error {
	if len(r.Rows) == 0 {
		return nil
	}
	fmt.Fprintf(out, "\n%s beside the floor; of floor: the requests a second by the floor's, median (least–most) of the rounds.\n", r.Of)
	fmt.Fprintln(out, "CPU, allocations and commits are those of one request.")
	w := newTable(out)
	fmt.Fprintln(w, "\trow\tconns\treq/s\tp50\tp99\tp99.9\tCPU\tallocs\tcommits\tfloor req/s\tp50\tp99\tp99.9\tCPU\tof floor\terrors\t")
	for _, l := range r.Rows {
		fmt.Fprintf(w, "\t%s\t%d\t%s%s%s%.2f (%.2f–%.2f)\t%s\t\n", l.Row, l.Conns, cells(l.Measured), l.Cost.cells(), cells(l.Floor),
			l.Ratio.Median, l.Ratio.Min, l.Ratio.Max, failures(l.Measured, l.Floor))
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
	return nil
}

func writeClaims(out io.Writer, claims []Claim) error {
	if len(claims) == 0 {
		return nil
	}
	fmt.Fprint(out, "\nWhat is promised\n")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, c := range claims {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", c.Of, verdict(c.Holds), c.Says)
	}
	return w.Flush()
}

func newTable(out io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
}

func verdict(holds bool) string {
	if holds {
		return "holds"
	}
	return "DOES NOT HOLD"
}

const unknown = "–"

func cells(s load.Sample) string {
	cpu := unknown
	if s.CPU > 0 {
		cpu = short(s.CPUEach())
	}
	return fmt.Sprintf("%.0f\t%s\t%s\t%s\t%s\t", s.Rate(), percentile(s, 0.5), percentile(s, 0.99), percentile(s, 0.999), cpu)
}

func (c Cost) cells() string {
	if !c.Known {
		return unknown + "\t" + unknown + "\t"
	}
	return fmt.Sprintf("%.0f\t%.2f\t", c.Allocs, c.Commits)
}

func percentile(s load.Sample, q float64) string {
	d, ok := s.Percentile(q)
	if !ok {
		return unknown
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
