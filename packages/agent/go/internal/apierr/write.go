package apierr

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// maxMessage bounds what a hostile name in a message can add to an answer.
const maxMessage = 8 << 10

// MaxResponse is the protocol's bound for a JSON response.
const MaxResponse = 16 << 20

// Write answers a request with err. It must be called before anything else of the answer was written.
func Write(w http.ResponseWriter, err error) {
	e := From(err)
	if e == nil {
		e = Internal("an error was reported that is none")
	}
	c := *e
	if len(c.Message) > maxMessage {
		c.Message = c.Message[:maxMessage] + "…"
	}
	// Names in a container are bytes; encoding/json would do this too, but say it where the cut above may have split a rune.
	c.Message = strings.ToValidUTF8(c.Message, "\uFFFD")
	JSON(w, c.Status(), &c)
}

// JSON answers a request with v. A value that cannot be encoded, or is larger than the protocol allows, is answered as
// a failure instead, since nothing has been written by then.
func JSON(w http.ResponseWriter, status int, v any) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		status = http.StatusInternalServerError
		buf.Reset()
		_ = enc.Encode(Internal("the answer cannot be encoded: %v", err))
	} else if buf.Len() > MaxResponse {
		status = http.StatusInsufficientStorage
		n := buf.Len()
		buf.Reset()
		_ = enc.Encode(ResourceExhausted("the answer has %d bytes, more than the %d that are allowed; ask for less", n, MaxResponse))
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes())
}
