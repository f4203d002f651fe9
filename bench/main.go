// Command bench measures Signet beside a floor, which does only what nobody
// could leave out, in the same run: both are asked in turns, with the same
// load, so a slow or busy machine slows both.
//
// It starts its own issuer on a fresh store, and ends it. It never measures an
// issuer in use. A new row is one small file: see Row.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// rows are what is measured, in the order of the table.
var rows = []Row{jwksRow, loginRow, refreshRow, verifyFirstRow, verifySeenRow}

type flags struct {
	rows    string
	conns   string
	seconds float64
	rounds  int
	json    bool
	dir     string
}

func main() {
	var f flags
	flag.StringVar(&f.rows, "rows", "", "which rows, such as jwks,refresh,storm (all unless told otherwise)")
	flag.StringVar(&f.conns, "conns", "1,16,64", "how many connections at once")
	flag.Float64Var(&f.seconds, "seconds", 1.8, "how long each side of each row is asked at each number of connections; the storm takes four times that, twice")
	flag.IntVar(&f.rounds, "rounds", 3, "in how many turns")
	flag.BoolVar(&f.json, "json", false, "print JSON in place of the tables")
	flag.StringVar(&f.dir, "dir", "", "where the stores are made; their disk is part of what is measured (a temporary folder unless told otherwise)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, f)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, f flags) error {
	conns, err := parseConns(f.conns)
	if err != nil {
		return err
	}
	wanted, err := parseRows(f.rows)
	if err != nil {
		return err
	}
	b, err := newBench(f, conns)
	if err != nil {
		return err
	}
	defer b.close()
	report := Report{Machine: describe(b.dir)}
	failed := b.measureAll(ctx, wanted, &report)
	// What was measured before a failure is worth seeing, too.
	if f.json {
		return errors.Join(report.writeJSON(os.Stdout), failed)
	}
	return errors.Join(report.writeTables(os.Stdout), failed)
}

func (b *bench) measureAll(ctx context.Context, wanted func(string) bool, report *Report) error {
	for _, row := range rows {
		if !wanted(row.Name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s\n", row.Name)
		lines, err := b.measure(ctx, row)
		if err != nil {
			return fmt.Errorf("%s: %w", row.Name, err)
		}
		report.Rows = append(report.Rows, lines...)
	}
	if !wanted(stormName) {
		return nil
	}
	fmt.Fprintf(os.Stderr, "measuring %s\n", stormName)
	var err error
	if report.Storm, err = b.storm(ctx, 4*b.f.duration()); err != nil {
		return fmt.Errorf("%s: %w", stormName, err)
	}
	return nil
}

func (f flags) duration() time.Duration { return time.Duration(f.seconds * float64(time.Second)) }

func parseConns(text string) (conns []int, err error) {
	for part := range strings.SplitSeq(text, ",") {
		var n int
		if _, err := fmt.Sscanf(part, "%d", &n); err != nil || n < 1 || n > 1024 {
			return nil, fmt.Errorf("-conns: %q is not a number of connections from 1 to 1024", part)
		}
		conns = append(conns, n)
	}
	return conns, nil
}

func parseRows(text string) (func(string) bool, error) {
	names := []string{stormName}
	for _, r := range rows {
		names = append(names, r.Name)
	}
	if text == "" {
		return func(string) bool { return true }, nil
	}
	wanted := strings.Split(text, ",")
	for _, name := range wanted {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("-rows: there is no row %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	return func(name string) bool { return slices.Contains(wanted, name) }, nil
}
