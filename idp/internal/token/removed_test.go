package token

import (
	"testing"

	"signet/data"
	"signet/idp/internal/wire"
)

// A request that found its client a moment before it was removed gets nothing
// that would outlive it.
func TestAClientThatIsRemovedMeanwhileGetsNothing(t *testing.T) {
	w := newWorld(t)
	code := w.newCode()
	w.post(itself()).ok()
	for _, id := range []string{"service", "web"} { // configured, so that they are found all the same
		w.must(w.store.CreateClient(t.Context(), data.Client{ID: id}, 0))
		w.must(w.store.DeleteClient(t.Context(), id))
	}
	w.post(itself()).refused(wire.CodeInvalidClient)
	w.post(w.redeeming(code)).refused(wire.CodeInvalidGrant)
}
