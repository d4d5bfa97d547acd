package files

import (
	"net/http"

	"golang.org/x/sys/unix"
)

// rename moves a file or folder, over a file that is in the way.
func rename(c *call) error {
	from, err := c.q.path("path")
	if err != nil {
		return err
	}
	to, err := c.q.path("to")
	if err != nil {
		return err
	}
	err = c.do(func() error {
		return again(func() error { return unix.Rename(from, to) })
	})
	if err != nil {
		return failed(err, "renaming", from)
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
