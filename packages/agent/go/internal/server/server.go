// Package server is the agent's HTTP server: handshake, status, activity, and the routes of the other packages.
package server

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"podkit.dev/agent/internal/apierr"
)

// The version of the protocol that this agent speaks.
const (
	ProtocolMajor = 1
	ProtocolMinor = 1
)

// maxBody bounds the JSON bodies of requests.
const maxBody = 1 << 20

// Info is what the handshake says.
type Info struct {
	Version   string
	Instance  string
	UID       int
	Pid       int
	StartedAt time.Time
	Features  []string
}

// Control is what the server needs of init.
type Control interface {
	// Status is the answer to GET /v1/status.
	Status() any
	// Shutdown begins to end the agent.
	Shutdown(grace time.Duration)
}

// Routes is a package that adds its routes to the mux.
type Routes interface{ Register(*http.ServeMux) }

// New makes the handler of all routes.
func New(info Info, control Control, idle *Idle, routes ...Routes) http.Handler {
	mux := http.NewServeMux()
	hello := map[string]any{
		"protocol": map[string]int{"major": ProtocolMajor, "minor": ProtocolMinor},
		"version":  info.Version, "instance": info.Instance, "pid": info.Pid, "uid": info.UID,
		"startedAt": info.StartedAt.UnixMilli(), "platform": runtime.GOOS + "/" + runtime.GOARCH, "features": info.Features,
	}
	mux.HandleFunc("GET /v1/hello", func(w http.ResponseWriter, _ *http.Request) { apierr.JSON(w, http.StatusOK, hello) })
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) { apierr.JSON(w, http.StatusOK, control.Status()) })
	mux.HandleFunc("POST /v1/activity", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST /v1/shutdown", func(w http.ResponseWriter, r *http.Request) { shutdown(w, r, control) })
	for _, r := range routes {
		r.Register(mux)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		apierr.Write(w, apierr.NotFound("there is no %s %s", r.Method, r.URL.Path))
	})
	return &handler{mux: mux, idle: idle}
}

func shutdown(w http.ResponseWriter, r *http.Request, control Control) {
	body := struct {
		GraceMs float64 `json:"graceMs"`
	}{GraceMs: 2000}
	if err := ReadJSON(r, &body); err != nil {
		apierr.Write(w, err)
		return
	}
	if !(body.GraceMs >= 0 && body.GraceMs <= 3_600_000) {
		apierr.Write(w, apierr.InvalidArgument("graceMs must be between 0 and 3600000"))
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_ = http.NewResponseController(w).Flush()
	control.Shutdown(time.Duration(body.GraceMs * float64(time.Millisecond)))
}

// ReadJSON reads the body of a request; an empty one leaves to as it is.
func ReadJSON(r *http.Request, to any) error {
	b, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return apierr.InvalidArgument("the body cannot be read: %v", err)
	}
	if len(b) > maxBody {
		return apierr.InvalidArgument("the body is longer than %d bytes", maxBody)
	}
	if len(b) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, to); err != nil {
		return apierr.InvalidArgument("the body is not the JSON that is expected: %v", err)
	}
	return nil
}

type handler struct {
	mux  *http.ServeMux
	idle *Idle
}

// ServeHTTP checks the protocol's version, notes activity, and hands on.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/hello" {
		if v := r.Header.Get("Podkit-Protocol"); v != "" && v != strconv.Itoa(ProtocolMajor) {
			apierr.Write(w, apierr.InvalidState("the client speaks protocol %q, this agent speaks %d.%d", v, ProtocolMajor, ProtocolMinor).
				With("major", ProtocolMajor).With("minor", ProtocolMinor).WithStatus(http.StatusUpgradeRequired))
			return
		}
	}
	switch kindOf(r) {
	case passive:
	case follower:
		// A command that is there may be attached to until the end; whether one may begin is asked where it would.
		if !h.idle.Admit() && !strings.HasPrefix(r.URL.Path, "/v1/execs/") {
			apierr.Write(w, ErrEnding)
			return
		}
	default:
		leave := h.idle.Enter()
		// Asking an agent that is ending to end is fine.
		if leave == nil && r.URL.Path != "/v1/shutdown" {
			apierr.Write(w, ErrEnding)
			return
		}
		if leave != nil {
			defer leave()
		}
	}
	h.mux.ServeHTTP(w, r)
}

// ErrEnding is the answer to what would begin something while the agent ends: it was not begun.
var ErrEnding = apierr.New(apierr.CodeUnavailable, "the container is stopping, and nothing was started").With("reason", "stopping")

// Serve serves HTTP/2 with prior knowledge and HTTP/1.1 until l is closed.
func Serve(l net.Listener, h http.Handler) error {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s := &http.Server{
		Handler:   h,
		Protocols: &protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          4096,
			MaxReadFrameSize:              1 << 20,
			MaxReceiveBufferPerStream:     1 << 20,
			MaxReceiveBufferPerConnection: 16 << 20,
		},
		ReadHeaderTimeout: 30 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // stderr is the container's log
	}
	return s.Serve(l)
}
