package config

import "strings"

// suggest names the known word that a wrong one was probably meant to be, as
// the end of a sentence, or says nothing.
func suggest(wrong string, known []string) string {
	if len(wrong) > 100 {
		return ""
	}
	best, distance := "", max(2, len(leaf(wrong))/3)+1
	for _, k := range known {
		d := edits(wrong, k)
		if leaf(wrong) == leaf(k) || partOf(wrong, k) { // right words, wrong section
			d = min(d, 1)
		}
		if d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; do you mean " + best + "?"
}

// partOf reports whether the words of a key or name are all, and in a row, in
// those of another.
func partOf(part, whole string) bool {
	words := func(s string) string {
		return "_" + strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(s), strings.ToLower(envPrefix)), ".", "_") + "_"
	}
	return len(words(part)) > 5 && strings.Contains(words(whole), words(part))
}

func leaf(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
