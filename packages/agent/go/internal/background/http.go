package background

import (
	"net/http"
	"syscall"
	"time"

	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/execs"
	"podkit.dev/agent/internal/server"
)

// Register adds the routes of background processes to mux.
func (t *Table) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/processes", func(w http.ResponseWriter, _ *http.Request) {
		all := []Info{}
		for _, p := range t.list() {
			all = append(all, p.snapshot())
		}
		apierr.JSON(w, http.StatusOK, map[string]any{"processes": all})
	})
	mux.HandleFunc("POST /v1/processes/{id}", t.onStart)
	mux.HandleFunc("GET /v1/processes/{id}", t.with(func(w http.ResponseWriter, _ *http.Request, p *process) error {
		apierr.JSON(w, http.StatusOK, p.snapshot())
		return nil
	}))
	mux.HandleFunc("GET /v1/processes/{id}/logs", t.with(t.onLogs))
	mux.HandleFunc("GET /v1/processes/{id}/wait", t.with(t.onWait))
	mux.HandleFunc("POST /v1/processes/{id}/signal", t.with(t.onSignal))
	mux.HandleFunc("POST /v1/processes/{id}/stop", t.with(t.onStop))
	mux.HandleFunc("DELETE /v1/processes/{id}", t.with(func(w http.ResponseWriter, _ *http.Request, p *process) error {
		if err := t.remove(p); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}))
}

// with looks the process up, and answers with the error that fn gives.
func (t *Table) with(fn func(http.ResponseWriter, *http.Request, *process) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := t.get(r.PathValue("id"))
		if err == nil {
			err = fn(w, r, p)
		}
		if err != nil {
			apierr.Write(w, err)
		}
	}
}

func (t *Table) onStart(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	var s startJSON
	err := execs.CheckID(id)
	if err == nil {
		err = server.ReadJSON(r, &s)
	}
	if err == nil {
		err = s.check()
	}
	var p *process
	if err == nil {
		p, err = t.start(id, &s)
	}
	if err != nil {
		apierr.Write(w, err)
		return
	}
	apierr.JSON(w, http.StatusOK, p.snapshot())
}

func (t *Table) onWait(w http.ResponseWriter, r *http.Request, p *process) error {
	select {
	case <-p.done:
		apierr.JSON(w, http.StatusOK, p.snapshot())
	case <-r.Context().Done():
	}
	return nil
}

func (t *Table) onSignal(w http.ResponseWriter, r *http.Request, p *process) error {
	var s struct {
		Signal string `json:"signal"`
		Tree   bool   `json:"tree"`
	}
	if err := server.ReadJSON(r, &s); err != nil {
		return err
	}
	sig, ok := execs.ParseSignal(s.Signal)
	if !ok {
		return apierr.InvalidArgument("%q is no signal", s.Signal)
	}
	t.signal(p, sig, s.Tree)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

const (
	defaultStop = 5 * time.Second
	maxStop     = 24 * time.Hour
)

func (t *Table) onStop(w http.ResponseWriter, r *http.Request, p *process) error {
	s := struct {
		GraceMs float64 `json:"graceMs"`
	}{GraceMs: float64(defaultStop / time.Millisecond)}
	if err := server.ReadJSON(r, &s); err != nil {
		return err
	}
	if !(s.GraceMs >= 0 && s.GraceMs <= float64(maxStop/time.Millisecond)) {
		return apierr.InvalidArgument("graceMs is %v; it must be a duration in milliseconds", s.GraceMs)
	}
	if p.proc.Pid != 0 {
		if err := t.stop(p, time.Duration(s.GraceMs*float64(time.Millisecond))); err != nil {
			return err
		}
		<-p.done
	}
	apierr.JSON(w, http.StatusOK, p.snapshot())
	return nil
}

// stop asks the whole tree to end, and after a grace ends it. A client that goes away does not call that off.
func (t *Table) stop(p *process, grace time.Duration) error {
	deadline := time.Now().Add(grace)
	if grace > 0 {
		t.opts.Trees.Signal(p.proc.Mark, syscall.SIGTERM)
	}
	for pause := time.Millisecond; time.Now().Before(deadline); pause = min(2*pause, 50*time.Millisecond) {
		if len(t.opts.Trees.Members(p.proc.Mark)) == 0 {
			break
		}
		time.Sleep(min(pause, time.Until(deadline)))
	}
	if _, alive := t.opts.Trees.End(p.proc.Mark); alive {
		return apierr.Internal("process %s cannot be ended", p.info.ID).With("reason", "tree_alive")
	}
	return nil
}
