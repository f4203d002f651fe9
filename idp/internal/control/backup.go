package control

import (
	"context"
	"io"
	"net/http"

	"signet/data"
)

// failureTrailer says, after a stream, why it is not whole.
const failureTrailer = "Signet-Failure"

// Backup writes a backup of the store as it is at one moment to w, and checks
// each record on its way. What is in w counts only if there is no error.
func (c *Client) Backup(ctx context.Context, w io.Writer) (data.BackupInfo, error) {
	return c.backup(ctx, w, data.CheckBackup)
}

// BackupUnread is Backup for a copy that is read back and checked afterwards: on
// its way only its bytes are, not its records. Until the last of them has come
// the issuer keeps every page of that moment, and its file grows by those that
// it would have used again.
func (c *Client) BackupUnread(ctx context.Context, w io.Writer) (data.BackupInfo, error) {
	return c.backup(ctx, w, func(r io.Reader) (data.BackupInfo, error) { return data.ReadBackup(r, nil) })
}

func (c *Client) backup(ctx context.Context, w io.Writer, check func(io.Reader) (data.BackupInfo, error)) (data.BackupInfo, error) {
	answer, err := c.post(ctx, opBackup, http.NoBody)
	if err != nil {
		return data.BackupInfo{}, err
	}
	defer answer.Body.Close()
	info, err := check(io.TeeReader(answer.Body, w))
	if ctx.Err() != nil { // even if the last byte had come: whoever interrupts wants none
		return info, errorf(Failed, "interrupted; there is no backup")
	}
	if err == nil {
		return info, nil
	}
	drain(answer.Body) // the trailer comes after the last byte
	if why := answer.Trailer.Get(failureTrailer); why != "" {
		return info, errorf(Failed, "the issuer could not finish the backup: %s", why)
	}
	return info, err
}

func (s *Services) backup(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Trailer", failureTrailer)
	counted := &counter{w: w}
	info, err := s.Store.Backup(r.Context(), counted)
	switch {
	case err == nil:
		s.did(r.Context(), opBackup, "users", info.Users, "bytes", info.Bytes)
	case counted.n == 0:
		s.failed(r.Context(), opBackup, err)
		w.Header().Del("Trailer")
		writeError(w, AsError(err))
	default:
		s.failed(r.Context(), opBackup, err)
		w.Header().Set(failureTrailer, AsError(err).Message)
	}
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
