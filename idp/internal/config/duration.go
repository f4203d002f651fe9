package config

import "time"

// ParseDuration reads a duration as the configuration does: as Go writes it,
// or in days, such as 30d.
func ParseDuration(text string) (time.Duration, error) { return parseDuration(text) }
