//go:build unix

package engines

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"signet/prove/child"
)

// Pooler starts PgBouncer in front of the server until the test ends, and
// returns the DSN of a database through it. It pools transactions, and has
// fewer connections to the server than its clients have to it.
func (p *Postgres) Pooler(database string) (dsn string) {
	p.t.Helper()
	path := tool(p.t, "pgbouncer", "pgbouncer", "/usr/sbin/pgbouncer")
	port := child.FreePorts(p.t, 1)[0]
	p.write("users.txt", `"signet" "`+PostgresPassword+`"`)
	p.write("pgbouncer.ini", strings.Join([]string{
		"[databases]", "* = host=127.0.0.1 port=" + p.Port,
		"[pgbouncer]", "listen_addr = 127.0.0.1", "listen_port = " + port, "unix_socket_dir =",
		"auth_type = scram-sha-256", "auth_file = " + filepath.Join(p.dir, "users.txt"),
		"pool_mode = transaction", "default_pool_size = 3",
	}, "\n")+"\n")
	cmd := exec.Command(path, filepath.Join(p.dir, "pgbouncer.ini"))
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.credential, Setpgid: true} // it refuses to be root, too
	must(p.t, cmd.Start())
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	until(p.t, "PgBouncer takes connections", func() bool {
		return p.command("pg_isready", "--host", "127.0.0.1", "--port", port).Run() == nil
	})
	return strings.Replace(p.DSN(database), "127.0.0.1:"+p.Port, "127.0.0.1:"+port, 1)
}
