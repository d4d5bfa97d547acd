package apierr

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

func TestStatusOfEachCode(t *testing.T) {
	want := map[Code]int{
		CodeInvalidArgument: 400, CodePermissionDenied: 403, CodeNotFound: 404, CodeAlreadyExists: 409,
		CodeInvalidState: 409, CodeExecLost: 410, CodeUnsupported: 501, CodeResourceExhausted: 507, CodeInternal: 500,
	}
	for code, status := range want {
		if got := New(code, "x").Status(); got != status {
			t.Errorf("%s: status %d, want %d", code, got, status)
		}
	}
	if got := InvalidState("other protocol").WithStatus(426).Status(); got != 426 {
		t.Errorf("override: %d", got)
	}
}

func TestFromErrno(t *testing.T) {
	want := map[syscall.Errno]Code{
		syscall.ENOENT: CodeNotFound, syscall.EACCES: CodePermissionDenied, syscall.EPERM: CodePermissionDenied,
		syscall.EROFS: CodePermissionDenied, syscall.EEXIST: CodeAlreadyExists, syscall.ENOTEMPTY: CodeInvalidState,
		syscall.EISDIR: CodeInvalidState, syscall.ENOTDIR: CodeInvalidState, syscall.ENOSPC: CodeResourceExhausted,
		syscall.EDQUOT: CodeResourceExhausted, syscall.EMFILE: CodeResourceExhausted, syscall.EIO: CodeInternal,
		syscall.ELOOP: CodeInvalidState, syscall.ENAMETOOLONG: CodeInvalidArgument, syscall.ENOSYS: CodeUnsupported,
	}
	for errno, code := range want {
		err := fmt.Errorf("outer: %w", &fs.PathError{Op: "open", Path: "/x", Err: errno})
		if got := From(err); got.Code != code {
			t.Errorf("%v: %s, want %s", errno, got.Code, code)
		} else if !errors.Is(got, errno) {
			t.Errorf("%v: the cause is lost", errno)
		}
	}
}

func TestFromKeepsAnError(t *testing.T) {
	inner := NotFound("no %s", "file").With("path", "/x")
	got := From(fmt.Errorf("outer: %w", inner))
	if got != inner {
		t.Fatalf("got %#v", got)
	}
	if From(nil) != nil || Wrap(nil, "x") != nil {
		t.Fatal("nil became an error")
	}
	if From(errors.New("?")).Code != CodeInternal || From(os.ErrNotExist).Code != CodeNotFound {
		t.Fatal("plain errors are mapped wrongly")
	}
	if w := Wrap(inner, "reading"); w.Message != "reading: no file" || w.Details["path"] != "/x" || !Is(w, CodeNotFound) {
		t.Fatalf("wrapped: %#v", w)
	}
}

func TestWithDoesNotChangeTheOriginal(t *testing.T) {
	a := NotFound("x").With("a", 1)
	b := a.With("b", 2)
	if len(a.Details) != 1 || len(b.Details) != 2 {
		t.Fatalf("%v %v", a.Details, b.Details)
	}
}

func TestWriteBoundsAndCleansTheMessage(t *testing.T) {
	rec := httptest.NewRecorder()
	Write(rec, NotFound("no \xff\xfe%s", strings.Repeat("ä", 1<<20)).With("reason", "replaced"))
	if rec.Code != 404 || rec.Body.Len() > 10<<10 {
		t.Fatalf("status %d, %d bytes", rec.Code, rec.Body.Len())
	}
	var got struct {
		Code, Message string
		Details       map[string]string
	}
	if !utf8.Valid(rec.Body.Bytes()) {
		t.Fatal("not UTF-8")
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Code != "not_found" || got.Details["reason"] != "replaced" || !strings.HasPrefix(got.Message, "no ") {
		t.Fatalf("%+v", got)
	}
}

func TestJSONTooLargeOrNotEncodable(t *testing.T) {
	rec := httptest.NewRecorder()
	JSON(rec, 200, strings.Repeat("x", MaxResponse))
	if rec.Code != 507 || rec.Body.Len() > 1000 {
		t.Fatalf("too large: status %d, %d bytes", rec.Code, rec.Body.Len())
	}
	rec = httptest.NewRecorder()
	JSON(rec, 200, func() {})
	if rec.Code != 500 || !json.Valid(rec.Body.Bytes()) {
		t.Fatalf("not encodable: status %d, %s", rec.Code, rec.Body)
	}
}
