package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"signet/idp/internal/control"
)

func statsCommand(env *environment) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Show what the running issuer did so far, and what it holds",
		Long: `Show what the running issuer did since it started: transactions of the store
and the commits that they shared, what was allocated, and what it holds of the
memory. What requests cost is the difference of two of these. And whether it is
ready for traffic or why not, as /readyz does: such as a clock that is not that
of the other issuers on its store.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return env.ask(cmd.Context(), existing, func(s *session) error {
				if s.house != nil {
					return &control.Error{Code: control.Refused, Message: "no issuer is running here, so there is nothing that it did"}
				}
				stats, err := s.Stats(cmd.Context())
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(stats)
				}
				return env.showStats(stats)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (env *environment) showStats(s control.Stats) error {
	rows := [][]string{
		{"store", fmt.Sprintf("%s, of which %s are free", megabytes(uint64(s.Store.Bytes)), megabytes(uint64(s.Store.Free)))},
		{"transactions", fmt.Sprintf("%d, in %d commits; %d were made again",
			s.Store.Transactions, s.Store.Commits, s.Store.Conflicts)},
	}
	if s.Store.RoundTrips > 0 { // it is elsewhere
		rows = [][]string{{"transactions", fmt.Sprintf("%d, %d of them made again; %d round trips to the store",
			s.Store.Transactions, s.Store.Conflicts, s.Store.RoundTrips)}}
	}
	ready := "yes"
	if s.NotReady != "" {
		ready = "no: " + s.NotReady
	}
	return env.table(slices.Concat([][]string{{"started", env.when(s.Started)}, {"ready", ready}}, rows, [][]string{
		{"allocated", fmt.Sprintf("%d objects, %s in all", s.Allocations, megabytes(s.Allocated))},
		{"heap", megabytes(s.Heap)},
		{"held from the system", megabytes(s.Held)},
		{"garbage collections", fmt.Sprint(s.Collections)},
		{"goroutines", fmt.Sprint(s.Goroutines)},
	}))
}

func megabytes(n uint64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
