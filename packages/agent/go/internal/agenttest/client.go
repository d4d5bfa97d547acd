// Package agenttest drives a real agent in tests: a client of the protocol, and agents that are this very test binary.
package agenttest

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"podkit.dev/agent/internal/frame"
)

// Client speaks to one agent over HTTP/2.
type Client struct {
	HTTP *http.Client
}

// NewClient makes a client whose connections dial makes.
func NewClient(dial func() (net.Conn, error)) *Client {
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	return &Client{HTTP: &http.Client{Transport: &http.Transport{
		Protocols: &p,
		HTTP2:     &http.HTTP2Config{MaxReadFrameSize: 1 << 20, MaxReceiveBufferPerStream: 4 << 20, MaxReceiveBufferPerConnection: 16 << 20},
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return dial()
		},
	}}}
}

// Do makes one request and gives the status and the body.
func (c *Client) Do(method, path string, body any) (int, []byte, error) {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, "http://agent"+path, r)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("podkit-protocol", "1")
	res, err := c.HTTP.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, b, err
}

// Spec is a SPEC frame.
type Spec map[string]any

// Exit is an EXIT frame.
type Exit struct {
	ExitCode    *int
	Signal      *string
	TimedOut    bool
	Cancelled   bool
	OomKilled   bool
	DurationMs  float64
	StdoutBytes uint64
	StderrBytes uint64
	TreeAlive   bool
}

// Started is a STARTED frame.
type Started struct {
	Pid       int
	StartedAt int64
	Stdin     uint64
}

// Frame is a frame of the answer; the payload is a copy.
type Frame struct {
	Type    frame.Type
	Payload []byte
}

// Stream is one stream of a command.
type Stream struct {
	Status int
	// Body is the answer where the status is not 200.
	Body []byte

	w      *io.PipeWriter
	mu     sync.Mutex
	res    *http.Response
	r      *frame.Reader
	cancel context.CancelFunc
	brief  bool // nothing is acknowledged, and the answer ends with EXIT
}

// Exec begins a stream.
func (c *Client) Exec(id string, spec Spec) (*Stream, error) {
	b, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	pr, pw := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "POST", "http://agent/v1/execs/"+id, pr)
	if err != nil {
		cancel()
		return nil, err
	}
	req.Header.Set("podkit-protocol", "1")
	s := &Stream{w: pw, cancel: cancel}
	go func() { _ = s.Send(frame.Spec, b) }()
	return c.open(req, s)
}

// Brief begins a stream whose SPEC is a header, and releases the commands that released names, with commas between.
func (c *Client) Brief(id string, spec Spec, released string) (*Stream, error) {
	b, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	pr, pw := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "POST", "http://agent/v1/execs/"+id, pr)
	if err != nil {
		cancel()
		return nil, err
	}
	req.Header.Set("podkit-protocol", "1")
	req.Header.Set("podkit-spec", string(b))
	if released != "" {
		req.Header.Set("podkit-release", released)
	}
	return c.open(req, &Stream{w: pw, cancel: cancel, brief: true})
}

func (c *Client) open(req *http.Request, s *Stream) (*Stream, error) {
	cancel := s.cancel
	res, err := c.HTTP.Do(req)
	if err != nil {
		cancel()
		return nil, err
	}
	s.res, s.Status = res, res.StatusCode
	if res.StatusCode != 200 {
		s.Body, _ = io.ReadAll(res.Body)
		s.Cut()
		return s, nil
	}
	s.r = frame.NewReader(res.Body)
	return s, nil
}

// Send sends a frame.
func (s *Stream) Send(t frame.Type, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.w.Write(frame.Append(nil, t, payload))
	return err
}

// Next reads a frame.
func (s *Stream) Next() (Frame, error) {
	t, p, err := s.r.Next()
	return Frame{Type: t, Payload: bytes.Clone(p)}, err
}

// Cut breaks the stream off.
func (s *Stream) Cut() {
	s.cancel()
	_ = s.w.Close()
	_ = s.res.Body.Close()
}

// Ack sends ACK.
func (s *Stream) Ack(out, err uint64) error {
	return s.Send(frame.Ack, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, out), err))
}

// Stdin sends STDIN.
func (s *Stream) Stdin(offset uint64, p []byte) error {
	return s.Send(frame.Stdin, append(binary.BigEndian.AppendUint64(nil, offset), p...))
}

// StdinEOF sends STDIN_EOF.
func (s *Stream) StdinEOF(total uint64) error {
	return s.Send(frame.StdinEOF, binary.BigEndian.AppendUint64(nil, total))
}

// Result is what a whole command gave.
type Result struct {
	Started  Started
	Out, Err []byte
	// Gaps is how many bytes were left out of each stream.
	Gaps [2]uint64
	Exit Exit
}

// Run reads to EXIT, acknowledges all, and releases the command.
func (s *Stream) Run() (*Result, error) {
	r, err := s.Collect(&Result{})
	if err != nil {
		return r, err
	}
	s.Finish()
	return r, nil
}

// Finish releases the command and waits for the end of the answer.
func (s *Stream) Finish() {
	_ = s.Send(frame.Release, nil)
	_ = s.w.Close()
	_, _ = io.Copy(io.Discard, s.res.Body)
	s.Cut()
}

// Collect reads to EXIT, on top of what r already has.
func (s *Stream) Collect(r *Result) (*Result, error) {
	next := [2]uint64{uint64(len(r.Out)), uint64(len(r.Err))}
	for {
		t, p, err := s.r.Next()
		if err != nil {
			return r, err
		}
		switch t {
		case frame.Started:
			if err := json.Unmarshal(p, &r.Started); err != nil {
				return r, err
			}
		case frame.Stdout, frame.Stderr:
			i := int(t - frame.Stdout)
			offset, data, err := frame.Data(p)
			if err != nil || offset < next[i] {
				return r, fmt.Errorf("offset %d after %d: %v", offset, next[i], err)
			}
			r.Gaps[i] += offset - next[i]
			next[i] = offset + uint64(len(data))
			if i == 0 {
				r.Out = append(r.Out, data...)
			} else {
				r.Err = append(r.Err, data...)
			}
			if s.brief {
				continue
			}
			if err := s.Ack(next[0], next[1]); err != nil {
				return r, err
			}
		case frame.Exit:
			return r, json.Unmarshal(p, &r.Exit)
		}
	}
}
