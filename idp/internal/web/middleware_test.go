package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// The values of these headers are shared by all answers.
func TestAnAnswerDoesNotChangeTheHeadersOfAnother(t *testing.T) {
	added := 0
	server := dress(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name := range w.Header() {
			w.Header().Add(name, fmt.Sprint("added ", added))
		}
	}), true)
	var answers []http.Header
	for added = range 2 {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		answers = append(answers, w.Header())
	}
	if answers[0].Get(requestID) == answers[1].Get(requestID) {
		t.Errorf("both are called %s", answers[0].Get(requestID))
	}
	for i, h := range answers {
		if len(h) != len(everyAnswer)+2 {
			t.Errorf("got %v", h)
		}
		for name, values := range h {
			if len(values) != 2 || values[1] != fmt.Sprint("added ", i) {
				t.Errorf("answer %d: %s is %q", i, name, values)
			}
		}
	}
}
