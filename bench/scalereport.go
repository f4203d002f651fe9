package main

import (
	"fmt"
	"io"

	"signet/bench/internal/load"
)

func (s *Scale) write(out io.Writer) error {
	m := s.Seeded
	fmt.Fprintf(out, "\nA store with %d users, %d live grants, %d clients and %d audiences, beside an empty one\n", m.Users, m.Grants, m.Clients, m.Audiences)
	w := newTable(out)
	fmt.Fprintln(w, "\trequest\tconns\treq/s\tp50\tp99\tCPU each\tempty req/s\tp50\tp99\tCPU each\tof empty\tby CPU\terrors\t")
	for _, l := range s.Rows {
		fmt.Fprintf(w, "\t%s\t%d\t%s%s%.2f (%.2f–%.2f)\t%.2f\t%s\t\n", l.Row, l.Conns, scaleCells(l.Seeded), scaleCells(l.Empty),
			l.Ratio.Median, l.Ratio.Min, l.Ratio.Max, l.cpu(), failures(l.Seeded, l.Empty))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "  start to the first answer, median of %d: %s, empty %s\n", s.Starts, short(s.Start.Seeded), short(s.Start.Empty))
	fmt.Fprintf(out, "  the first token of each of %d clients: %s in all\n", m.Clients, short(s.Introduced))
	fmt.Fprintf(out, "  RssAnon: %s after the start, %s after all of the above; empty %s and %s\n",
		megabytes(s.Idle.Seeded), megabytes(s.Loaded.Seeded), megabytes(s.Idle.Empty), megabytes(s.Loaded.Empty))
	fmt.Fprintf(out, "  a backup: %s in %s, read back and checked; RssAnon %s after it\n", megabytes(s.Backup.Bytes), short(s.Backup.Took), megabytes(s.Backup.Anon))
	_, err := fmt.Fprintf(out, "  bytes of the file: %d a grant, %d a user, %d a client; its length %s, and %s after all of the above\n",
		each(m.GrantBytes, m.Grants), each(m.UserBytes, m.Users), each(m.ClientBytes, m.Clients), megabytes(s.File.Before), megabytes(s.File.After))
	return err
}

func scaleCells(s load.Sample) string {
	cpu := unknown
	if s.CPU > 0 {
		cpu = short(s.CPUEach())
	}
	return fmt.Sprintf("%.0f\t%s\t%s\t%s\t", s.Rate(), percentile(s, 0.5), percentile(s, 0.99), cpu)
}

// claims are what is promised of a store's size. Of memory a most is promised:
// caches fill up at the seeded store, and have an end. The file may be lengthened
// by an eighth at once.
func (s *Scale) claims() []Claim {
	claims := []Claim{
		{scaleName, fmt.Sprintf("a start in %s; promised: under %s", short(s.Start.Seeded), short(startWithin)), s.Start.Seeded < startWithin},
		{scaleName, fmt.Sprintf("%s of RssAnon after all of it; promised: at most %s", megabytes(s.Loaded.Seeded), megabytes(mostLoaded)), s.Loaded.Seeded <= mostLoaded},
		{scaleName, fmt.Sprintf("a file of %s after all of it, and of %s before", megabytes(s.File.After), megabytes(s.File.Before)), s.File.After <= s.File.Before+s.File.Before/8},
	}
	for _, l := range s.Rows {
		if l.Least > 0 {
			claims = append(claims, Claim{fmt.Sprintf("%s, %s on %d", scaleName, l.Row, l.Conns),
				fmt.Sprintf("%.2f of the empty store; promised: at least %.2f", l.Ratio.Median, l.Least), l.holds()})
		}
	}
	return claims
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func each(bytes int64, n int) int64 {
	if n == 0 {
		return 0
	}
	return bytes / int64(n)
}

func (s *Scale) figures() any {
	type row struct {
		Row    string      `json:"row"`
		Conns  int         `json:"connections"`
		Seeded figures     `json:"seeded"`
		Empty  figures     `json:"empty"`
		Ratio  load.Spread `json:"of_empty"`
		CPU    float64     `json:"of_empty_by_cpu"`
	}
	type pair struct {
		Seeded int64 `json:"seeded"`
		Empty  int64 `json:"empty"`
	}
	var rows []row
	for _, l := range s.Rows {
		rows = append(rows, row{l.Row, l.Conns, figuresOf(l.Seeded), figuresOf(l.Empty), l.Ratio, l.cpu()})
	}
	return map[string]any{
		"store": s.Seeded, "rows": rows,
		"start_ns":        pair{int64(s.Start.Seeded), int64(s.Start.Empty)},
		"rss_anon_idle":   pair(s.Idle),
		"rss_anon_loaded": pair(s.Loaded),
		"backup_ns":       s.Backup.Took, "backup_bytes": s.Backup.Bytes, "rss_anon_after_backup": s.Backup.Anon,
		"first_tokens_ns":   s.Introduced,
		"file_bytes_before": s.File.Before, "file_bytes_after": s.File.After,
	}
}
