package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

type anything struct{}

func (anything) Register(mux *http.ServeMux) {
	answer := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }
	mux.HandleFunc("POST /v1/execs/{id}", answer)
	mux.HandleFunc("POST /v1/processes/{id}", answer)
}

func TestAnEndingServerLetsCommandsBeAttachedTo(t *testing.T) {
	idle := newIdle(t)
	idle.Shut()
	h := New(Info{}, nil, idle, anything{})
	for path, want := range map[string]int{"/v1/execs/abcdefgh": http.StatusTeapot, "/v1/processes/abcdefgh": http.StatusServiceUnavailable} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}
