package files

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
)

// h2 serves the API as the agent does: HTTP/2 with prior knowledge over a unix socket.
func (e *env) h2() *http.Client {
	e.t.Helper()
	mux := http.NewServeMux()
	e.h.Register(mux)
	socket := filepath.Join(e.t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		e.t.Fatal(err)
	}
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	srv := &http.Server{Handler: mux, Protocols: &p}
	go srv.Serve(l)
	e.t.Cleanup(func() { srv.Close() })
	return &http.Client{Transport: &http.Transport{
		Protocols: &p,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

const benchSize = 100 << 20

func BenchmarkPut100MB(b *testing.B) {
	e := newEnv(b)
	c := e.h2()
	b.SetBytes(benchSize)
	for b.Loop() {
		req, _ := http.NewRequest("PUT", "http://agent/v1/files/content?path=big", io.LimitReader(zeros{}, benchSize))
		res, err := c.Do(req)
		if err != nil || res.StatusCode != 200 {
			b.Fatal(res, err)
		}
		res.Body.Close()
	}
}

func BenchmarkGet100MB(b *testing.B) {
	benchGet(b, "content?path=big")
}

func BenchmarkGetTar100MB(b *testing.B) {
	benchGet(b, "tar?path=big")
}

func benchGet(b *testing.B, route string) {
	e := newEnv(b)
	c := e.h2()
	req, _ := http.NewRequest("PUT", "http://agent/v1/files/content?path=big", io.LimitReader(zeros{}, benchSize))
	if res, err := c.Do(req); err != nil || res.StatusCode != 200 {
		b.Fatal(res, err)
	}
	b.SetBytes(benchSize)
	for b.Loop() {
		res, err := c.Get("http://agent/v1/files/" + route)
		if err != nil || res.StatusCode != 200 {
			b.Fatal(res, err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		if err != nil || n < benchSize {
			b.Fatal(n, err)
		}
		res.Body.Close()
	}
}
