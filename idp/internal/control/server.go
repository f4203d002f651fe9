package control

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-json-experiment/json"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/grant"
	"signet/idp/internal/live"
	"signet/idp/internal/signin"
	"signet/keys"
)

// Services is what the operations work on.
type Services struct {
	Store   *data.Store
	Ring    *keys.Ring
	MACs    *keys.MACs
	Signin  *signin.Service
	Clients *client.Registry
	Grants  *grant.Service
	Live    *live.Reader

	// MasterKey names the master key that seals, and where it was found.
	MasterKey func() (id, from string)
	// Reseal seals everything under the master key in the file, which is made
	// if there is none.
	Reseal func(ctx context.Context, file string) (Resealed, error)

	// StoreStats is what the store's engine counted.
	StoreStats func() StoreStats
	// Ready says why /readyz refuses traffic, or nil. Nil itself: nothing serves.
	Ready func() error

	// AccessLifetime is the longest that an access token lives.
	AccessLifetime time.Duration
	// Registration is the setting, so that an invitation that nobody can use
	// is not handed out in silence.
	Registration string
	// ClientRegistration is the same for clients and initial access tokens.
	ClientRegistration string
	State              string // the state folder
	Version            string

	Now    func() time.Time // time.Now unless set
	Logger *slog.Logger     // slog.Default() unless set
}

// Hello is how an issuer answers to the first question.
type Hello struct {
	Version string    `json:"version"`
	PID     int       `json:"pid"`
	State   string    `json:"state"`
	Started time.Time `json:"started"`
}

// none is the input or the answer of an operation that has none.
type none struct{}

// maxInput bounds what one operation is told, streams apart.
const maxInput = 1 << 20

// NewHandler returns the operations. Whoever reaches the handler may do
// everything, so only a listener of this package may carry it.
func NewHandler(s Services) http.Handler {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Logger == nil {
		s.Logger = slog.Default()
	}
	hello := Hello{Version: s.Version, PID: os.Getpid(), State: s.State, Started: s.Now()}

	mux := http.NewServeMux()
	handle(mux, &s, opHello, func(context.Context, none) (Hello, error) { return hello, nil })
	handle(mux, &s, opStats, s.stats(hello.Started))
	handle(mux, &s, opKeys, s.keys)
	handle(mux, &s, opRotate, s.rotate)
	handle(mux, &s, opRevoke, s.revoke)
	handle(mux, &s, opRevokeAll, s.revokeAll)
	handle(mux, &s, opReseal, s.reseal)
	handle(mux, &s, opAddUser, s.addUser)
	handle(mux, &s, opUsers, s.users)
	handle(mux, &s, opUser, s.user)
	handle(mux, &s, opRoles, s.roles)
	handle(mux, &s, opProfile, s.profile)
	handle(mux, &s, opDisable, s.disable)
	handle(mux, &s, opRemove, s.remove)
	handle(mux, &s, opPassword, s.setPassword)
	handle(mux, &s, opSignOut, s.signOut)
	handle(mux, &s, opInvite, s.invite)
	handle(mux, &s, opAddClient, s.addClient)
	handle(mux, &s, opClients, s.clients)
	handle(mux, &s, opClient, s.client)
	handle(mux, &s, opEditClient, s.editClient)
	handle(mux, &s, opRotateSecret, s.rotateSecret)
	handle(mux, &s, opRemoveClient, s.removeClient)
	handle(mux, &s, opInitialToken, s.initialToken)
	mux.HandleFunc(opImport.path(), s.importUsers)
	mux.HandleFunc(opBackup.path(), s.backup)
	mux.HandleFunc(opRevokeTokens.path(), s.revokeTokens)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, errorf(Refused, "this issuer is of version %s and does not know %s; restart it, or use its own command", s.Version, r.URL.Path))
	})
	return mux
}

// operation is the name of one of them.
type operation string

const (
	opHello        operation = "hello"
	opStats        operation = "stats"
	opKeys         operation = "keys/list"
	opRotate       operation = "keys/rotate"
	opRevoke       operation = "keys/revoke"
	opRevokeAll    operation = "keys/revoke-all"
	opReseal       operation = "keys/reseal"
	opAddUser      operation = "users/add"
	opUsers        operation = "users/list"
	opUser         operation = "users/show"
	opRoles        operation = "users/roles"
	opProfile      operation = "users/profile"
	opDisable      operation = "users/disable"
	opPassword     operation = "users/set-password"
	opSignOut      operation = "users/sign-out"
	opRemove       operation = "users/remove"
	opInvite       operation = "users/invite"
	opAddClient    operation = "clients/add"
	opClients      operation = "clients/list"
	opClient       operation = "clients/show"
	opEditClient   operation = "clients/edit"
	opRotateSecret operation = "clients/rotate-secret"
	opRemoveClient operation = "clients/remove"
	opInitialToken operation = "clients/initial-token"
	opImport       operation = "users/import"
	opBackup       operation = "backup"
	opRevokeTokens operation = "tokens/revoke"
)

func (o operation) url() string  { return "/v1/" + string(o) }
func (o operation) path() string { return "POST " + o.url() }

// handle puts an operation on the mux: one JSON object in, one out.
func handle[In, Out any](mux *http.ServeMux, s *Services, op operation, do func(context.Context, In) (Out, error)) {
	mux.HandleFunc(op.path(), func(w http.ResponseWriter, r *http.Request) {
		var in In
		err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, maxInput), &in, json.RejectUnknownMembers(true))
		if err != nil {
			writeError(w, errorf(Usage, "%s cannot be understood; is the command of another version than the issuer (%s)?", op, s.Version))
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			s.failed(r.Context(), op, err)
			writeError(w, AsError(err))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.MarshalWrite(w, &out) // the command sees an answer that is cut
	})
}

func (s *Services) failed(ctx context.Context, op operation, err error) {
	if AsError(err).Code == Failed && ctx.Err() == nil { // else whoever asked has gone
		s.Logger.ErrorContext(ctx, "an operation failed", "operation", string(op), "error", err)
	}
}

// did is the record of a change that was asked for.
func (s *Services) did(ctx context.Context, op operation, args ...any) {
	s.Logger.InfoContext(ctx, "done for the command", append([]any{"operation", string(op)}, args...)...)
}

func writeError(w http.ResponseWriter, e *Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Code.status())
	_ = json.MarshalWrite(w, e)
}

// graceful is how long running operations may go on when the issuer stops.
const graceful = 5 * time.Second

// Serve answers on l until ctx ends, and closes l.
func Serve(ctx context.Context, l net.Listener, h http.Handler, logger *slog.Logger) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceful)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		_ = server.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// drain reads what is left of a body, so that the connection can be used again.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 1<<16)
	_ = body.Close()
}
