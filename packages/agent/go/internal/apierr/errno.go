package apierr

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// FromErrno gives the code of a system call's error.
func FromErrno(errno syscall.Errno) Code {
	switch errno {
	case syscall.ENOENT, syscall.ESRCH, syscall.ENXIO, syscall.ENODEV:
		return CodeNotFound
	case syscall.EACCES, syscall.EPERM, syscall.EROFS:
		return CodePermissionDenied
	case syscall.EEXIST:
		return CodeAlreadyExists
	case syscall.ENOTEMPTY, syscall.EISDIR, syscall.ENOTDIR, syscall.EBUSY, syscall.ETXTBSY, syscall.EXDEV,
		syscall.ELOOP, syscall.EMLINK:
		return CodeInvalidState
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EAGAIN,
		syscall.EFBIG:
		return CodeResourceExhausted
	case syscall.EINVAL, syscall.ENAMETOOLONG, syscall.EILSEQ:
		return CodeInvalidArgument
	case syscall.ENOSYS, syscall.EOPNOTSUPP:
		return CodeUnsupported
	default:
		return CodeInternal
	}
}

// From makes an *Error of any error: one that is an *Error already stays what it is, an errno is mapped by FromErrno,
// and whatever is unknown is `internal`. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return &Error{Code: FromErrno(errno), Message: err.Error(), cause: err}
	}
	code := CodeInternal
	switch {
	case errors.Is(err, fs.ErrNotExist):
		code = CodeNotFound
	case errors.Is(err, fs.ErrPermission):
		code = CodePermissionDenied
	case errors.Is(err, fs.ErrExist):
		code = CodeAlreadyExists
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.Canceled):
		code = CodeInvalidState
	}
	return &Error{Code: code, Message: err.Error(), cause: err}
}

// Wrap is From with words in front that say what was tried.
func Wrap(err error, what string) *Error {
	if err == nil {
		return nil
	}
	e := *From(err)
	e.Message = what + ": " + e.Message
	e.cause = err
	return &e
}

// Is says whether err is an *Error with this code.
func Is(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
