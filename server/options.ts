/** What people can say about a server that they start by startServer(). */
import type { GivenSettings, Settings } from '../wasm/cluster/settings.js'
import type { LogFormat } from '../wasm/machine/log-collector.js'
import type { ServerControl } from './control.js'
import type { HttpOptions } from './http.js'

export interface StartServerOptions {
  /**
   * The directory of the cluster. A missing or empty one gets a new cluster; one of a native PostgreSQL 18 can be used as it
   * is. Default: an ephemeral cluster, which is removed by stop() or when this process exits and does not wait for the
   * disk (fsync = off). It lies in memory (/dev/shm) on Linux if at least 1 GiB is free there and TMPDIR is not set, else
   * in the system's temporary directory.
   */
  dataDir?: string | undefined
  /** The TCP port, 0 for any free one. Default: that of postgresql.conf, else 5432. */
  port?: number | undefined
  /**
   * Where to listen: a name or address, several separated by commas, '*' for all addresses of this machine, or '' for no TCP.
   * Default: what postgresql.conf says, else 'localhost', which is 127.0.0.1 and ::1. Who may connect from elsewhere is up
   * to pg_hba.conf.
   */
  host?: string | undefined
  /**
   * The password of the superuser, for a new cluster. PostgreSQL then asks every client that comes by TCP for a password.
   * Default: none. Then PostgreSQL lets clients of this machine in as any role without a password, and no other machine.
   */
  password?: string | undefined
  /**
   * Lets other machines connect although the cluster has neither a password nor TLS: anybody there can then log in as any
   * role. Without this option the server refuses to listen for other machines. Default: false.
   */
  insecureListen?: boolean | undefined
  /** A directory for a unix socket as well, named .s.PGSQL.<port> in it. Default: as in postgresql.conf, else none. */
  unixSocketDir?: string | undefined
  /**
   * TLS with this certificate and key, files in PEM; `ca` verifies the certificates that clients may have. As PostgreSQL's
   * settings ssl, ssl_cert_file, ssl_key_file and ssl_ca_file, and read again by reload(). 'self-signed': with
   * server.crt and server.key in the data directory, which are made if missing. Default: what postgresql.conf says.
   */
  tls?: { cert: string; key: string; ca?: string | undefined } | 'self-signed' | undefined
  /**
   * Directories outside of the cluster's that SQL may read and write, by COPY, as tablespaces, …, within PostgreSQL's own
   * rights: superusers, and members of pg_read_server_files and pg_write_server_files. Default: none.
   */
  allowDirs?: readonly string[] | undefined
  /** How many clients at once, as PostgreSQL's max_connections. */
  maxConnections?: number | undefined
  /** Any settings of PostgreSQL (postgresql.org/docs/18/runtime-config.html), stronger than postgresql.conf. */
  settings?: GivenSettings | undefined
  /** The same, for what postgresql.conf does not set. */
  defaults?: Settings | undefined
  /**
   * Whether each of PostgreSQL's processes runs on a thread of its own, as by default. Otherwise all run on the caller's,
   * taking turns, which needs Node 24 or later.
   */
  threads?: boolean | undefined
  /**
   * Where PostgreSQL's log goes: to this process' stderr, to a function, line by line, or nowhere, the default. What is
   * logged, and in which format, is up to PostgreSQL's settings; log_destination may be stderr, jsonlog or csvlog.
   */
  log?: 'stderr' | false | ((line: string, format: LogFormat) => void) | undefined
  /** Serve /health, /ready and /metrics by HTTP as well. Default: no. */
  http?: HttpOptions | undefined
  /** Called once PostgreSQL runs, long before startServer() resolves, with what can be done to it until then. */
  onStarting?: ((server: ServerControl) => void) | undefined
  /**
   * The superuser's name, by which the server sets the password and asks for its metrics. A new cluster gets it; for an
   * existing one it has to be said where it is another. Default: 'postgres'.
   */
  superuser?: string | undefined
  /** The role in `url`. Default: the superuser. */
  user?: string | undefined
  /** The database in `url`. Default: 'postgres', which a new cluster has. */
  database?: string | undefined
}
