package kv

// Asker is a Reader to which every read is a way to the store and back.
type Asker interface {
	// Ask brings the pairs of several keys at once, for the reads that follow.
	// What of them is not read is as if it had not been brought.
	Ask(keys ...[]byte)
}

// Ask says which keys are about to be read, where that saves anything. A failure
// is met by the first read.
func Ask(r Reader, keys ...[]byte) {
	if a, ok := r.(Asker); ok {
		a.Ask(keys...)
	}
}
