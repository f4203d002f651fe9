package keys

// Derive makes another key of 32 bytes for one purpose, which names its owner
// and its use: "signin: known browsers". It stays the same as long as the
// master key does, and tells nothing about it or about another purpose's.
func (m MasterKey) Derive(purpose string) []byte {
	return m.derive("derived for " + purpose)
}
