package files

import (
	"archive/tar"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
)

// discard takes an answer of any size.
type discard struct {
	http.ResponseWriter
	n int64
}

func (d *discard) Write(b []byte) (int, error) { d.n += int64(len(b)); return len(b), nil }

// What goes through is 100 MB, what is allocated on the way must be a few pieces.
func TestStreamsNeedLittleMemory(t *testing.T) {
	e := newEnv(t)
	mux := http.NewServeMux()
	e.h.Register(mux)
	const size, most = 100 << 20, 8 << 20
	tarIn, w := io.Pipe()
	for _, c := range []struct {
		method, route string
		body          io.Reader
	}{
		{"PUT", "content?path=big", io.LimitReader(zeros{}, size)},
		{"GET", "content?path=big", nil},
		{"GET", "tar?path=big", nil},
		{"PUT", "tar?path=in", tarIn},
	} {
		if c.body == tarIn {
			go func() {
				tw := tar.NewWriter(w)
				tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "big", Size: size, Mode: 0o644})
				io.CopyBuffer(struct{ io.Writer }{tw}, io.LimitReader(zeros{}, size), make([]byte, 64<<10))
				w.CloseWithError(tw.Close())
			}()
		}
		rec := httptest.NewRecorder()
		d := &discard{ResponseWriter: rec}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		mux.ServeHTTP(d, httptest.NewRequest(c.method, "/v1/files/"+c.route, c.body))
		runtime.ReadMemStats(&after)
		if rec.Code >= 300 || (c.method == "GET" && d.n < size) {
			t.Errorf("%s %s: status %d, %d bytes", c.method, c.route, rec.Code, d.n)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > most {
			t.Errorf("%s %s: allocated %d MB", c.method, c.route, got>>20)
		}
	}
}
