// Package apierr holds the one error type that leaves the agent, its codes, and how both become an HTTP answer.
package apierr

import (
	"errors"
	"fmt"
	"net/http"
)

// Code is one of podkit's error codes, as PROTOCOL.md lists them.
type Code string

// The codes that the agent answers with.
const (
	CodeInvalidArgument   Code = "invalid_argument"
	CodePermissionDenied  Code = "permission_denied"
	CodeNotFound          Code = "not_found"
	CodeAlreadyExists     Code = "already_exists"
	CodeInvalidState      Code = "invalid_state"
	CodeExecLost          Code = "exec_lost"
	CodeUnsupported       Code = "unsupported"
	CodeResourceExhausted Code = "resource_exhausted"
	CodeUnavailable       Code = "unavailable"
	CodeInternal          Code = "internal"
)

// Error is a failure with a code. Its JSON form is the body of every answer that is not a success.
type Error struct {
	Code    Code           `json:"code"`
	Message string         `json:"message"`
	Details map[string]any `json:"details,omitempty"`

	// HTTPStatus overrides the status that belongs to Code; 0 means no override. The protocol needs it where one
	// code has two statuses: a protocol mismatch is 426 `invalid_state`, everything else of that code 409.
	HTTPStatus int `json:"-"`

	cause error
}

// Error gives the message; the code is for programs, and comes first so that logs can be searched by it.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Unwrap gives the error that this one was made from, or nil.
func (e *Error) Unwrap() error { return e.cause }

// With returns a copy that has one more detail.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Details = make(map[string]any, len(e.Details)+1)
	for k, v := range e.Details {
		c.Details[k] = v
	}
	c.Details[key] = value
	return &c
}

// WithStatus returns a copy that is answered with another HTTP status than its code's.
func (e *Error) WithStatus(status int) *Error {
	c := *e
	c.HTTPStatus = status
	return &c
}

// Status is the HTTP status that the error is answered with.
func (e *Error) Status() int {
	if e.HTTPStatus != 0 {
		return e.HTTPStatus
	}
	switch e.Code {
	case CodeInvalidArgument:
		return http.StatusBadRequest
	case CodePermissionDenied:
		return http.StatusForbidden
	case CodeNotFound:
		return http.StatusNotFound
	case CodeAlreadyExists, CodeInvalidState:
		return http.StatusConflict
	case CodeExecLost:
		return http.StatusGone
	case CodeUnsupported:
		return http.StatusNotImplemented
	case CodeResourceExhausted:
		return http.StatusInsufficientStorage
	case CodeUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// New makes an error of any code.
func New(code Code, format string, args ...any) *Error {
	// Errorf, not Sprintf, so that a %w in the format becomes the cause.
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), cause: errors.Unwrap(err)}
}

// InvalidArgument says that the request itself is wrong; sending it again cannot help.
func InvalidArgument(format string, args ...any) *Error {
	return New(CodeInvalidArgument, format, args...)
}

// PermissionDenied says that the user may not do this.
func PermissionDenied(format string, args ...any) *Error {
	return New(CodePermissionDenied, format, args...)
}

// NotFound says that what the request names is not there.
func NotFound(format string, args ...any) *Error { return New(CodeNotFound, format, args...) }

// AlreadyExists says that what the request would make is there already.
func AlreadyExists(format string, args ...any) *Error {
	return New(CodeAlreadyExists, format, args...)
}

// InvalidState says that what the request names is there, but not such that this can be done with it.
func InvalidState(format string, args ...any) *Error { return New(CodeInvalidState, format, args...) }

// ExecLost says that a command was released and cannot be attached to again.
func ExecLost(format string, args ...any) *Error { return New(CodeExecLost, format, args...) }

// Unsupported says that this agent, kernel or file system cannot do it.
func Unsupported(format string, args ...any) *Error { return New(CodeUnsupported, format, args...) }

// ResourceExhausted says that disk, quota, descriptors, processes or one of the agent's own bounds ran out.
func ResourceExhausted(format string, args ...any) *Error {
	return New(CodeResourceExhausted, format, args...)
}

// Internal says that something happened which should not have.
func Internal(format string, args ...any) *Error { return New(CodeInternal, format, args...) }
