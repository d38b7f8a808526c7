/** The options of startServer(). */
import type { GivenSettings } from '../wasm/cluster/settings.js'
import type { LogFormat } from '../wasm/machine/log-collector.js'
import type { ServerControl } from './control.js'
import type { HttpOptions } from './http/http.js'

/** Names of PEM files, for TLS. */
export interface TlsFiles {
  /** The server's certificate: PostgreSQL's setting ssl_cert_file. */
  cert: string
  /** Its private key: ssl_key_file. */
  key: string
  /** The authorities that sign clients' certificates: ssl_ca_file. */
  ca?: string | undefined
}

/** The options of startServer(). */
export interface StartServerOptions {
  /**
   * The data directory. A missing or empty one gets a new cluster; one of a native PostgreSQL 18 can be used as it
   * is. Default: an ephemeral cluster, which does not wait for the disk (fsync = off), and which stop() or the exit of this
   * process removes. It lies in memory (/dev/shm) on Linux if at least 1 GiB is free there and TMPDIR is not set, else
   * in the system's temporary directory.
   */
  dataDir?: string | undefined
  /**
   * The folder of this package, or a copy of it, for all servers of this process: for programs whose bundler has moved the package's
   * code. The environment variable PGLITE_IMPORTS_PACKAGE says the same. Default: the folder is found from the code, or in node_modules
   * above the program or the working directory.
   */
  packageDir?: string | undefined
  /** A data directory that no server runs on. The ephemeral cluster begins as a copy of it. Not together with `dataDir`. */
  copyOf?: string | undefined
  /** The TCP port, 0 for any free one. Default: that of postgresql.conf, else 5432. */
  port?: number | undefined
  /**
   * Where to listen: a name or address, several separated by commas, '*' for all addresses of this machine, or '' for no TCP.
   * Default: what postgresql.conf says, else 'localhost', which is 127.0.0.1 and ::1. pg_hba.conf says which clients may
   * connect from other machines.
   */
  host?: string | undefined
  /**
   * The password of the superuser, for a new cluster. PostgreSQL then asks every client that connects by TCP for a password.
   * In an existing cluster it is set if the superuser has none. Default: none. Then a new cluster lets clients on this
   * machine in as any role without a password, and no clients on other machines.
   */
  password?: string | undefined
  /**
   * How PostgreSQL asks clients that come by TCP who they are, in a new cluster: a method of pg_hba.conf, such as 'scram-sha-256' or
   * 'trust', which lets every client in. Default: 'scram-sha-256' with a password.
   */
  hostAuthMethod?: string | undefined
  /**
   * Lets other machines connect although the cluster has neither a password nor TLS: a client there can then log in as any role.
   * Without this option the server refuses to listen for other machines. Default: false.
   */
  insecureListen?: boolean | undefined
  /** A directory in which the server listens on a unix socket, .s.PGSQL.<port>. Default: as in postgresql.conf, else none. */
  unixSocketDir?: string | undefined
  /**
   * TLS. `cert` and `key` name the files with the server's certificate and private key, `ca` a file with the authorities that
   * sign clients' certificates, all PEM: PostgreSQL's settings ssl_cert_file, ssl_key_file and ssl_ca_file. reload() reads
   * them again. 'self-signed': the server uses server.crt and server.key in the data directory, and makes them if they are
   * missing. Default: what postgresql.conf says.
   */
  tls?: TlsFiles | 'self-signed' | undefined
  /**
   * Directories beside the data directory where SQL may read and write files, by COPY, as tablespaces, …: for roles to which
   * PostgreSQL allows it, that is superusers and members of pg_read_server_files and pg_write_server_files. Default: none.
   */
  allowDirs?: readonly string[] | undefined
  /**
   * Directories with the folders `tsearch_data`, `timezonesets` or `extension`, whose files PostgreSQL reads as if they were in its
   * installation: dictionaries, sets of time zone abbreviations, extensions that consist of SQL. Default: none.
   */
  shareDirs?: readonly string[] | undefined
  /** How many clients may be connected at once: PostgreSQL's setting max_connections. Default: 100. */
  maxConnections?: number | undefined
  /** Settings of PostgreSQL (postgresql.org/docs/18/runtime-config.html). They override postgresql.conf. */
  settings?: GivenSettings | undefined
  /** The same, but postgresql.conf overrides them. */
  defaults?: GivenSettings | undefined
  /**
   * Whether each of PostgreSQL's processes runs on a thread of its own. If not, all run on the caller's thread, by turns, which
   * needs Node 24 or later. Default: true; in Deno and Bun, which have other threads and other stacks, false.
   */
  threads?: boolean | undefined
  /**
   * Where PostgreSQL's log goes: to this process' stderr, to a function line by line, or nowhere. PostgreSQL's settings
   * say what is logged, and in which format: log_destination may be stderr, jsonlog or csvlog. Default: nowhere.
   */
  log?: 'stderr' | false | ((line: string, format: LogFormat) => void) | undefined
  /** Where /health, /ready and /metrics are served by HTTP, and queries at /sql. Default: nowhere. */
  http?: HttpOptions | undefined
  /**
   * Whether the HTTP server has a console: a page with a SQL editor, sessions, tables and charts, at `consoleUrl`. Without `http` it listens
   * on localhost, on any free port. pg_hba.conf says who may log in, as for clients that come by TCP. Default: false.
   */
  console?: boolean | undefined
  /** Called when the postmaster runs, before startServer() resolves, so that the server can be stopped while it starts. */
  onStarting?: ((server: ServerControl) => void) | undefined
  /**
   * The name of a superuser. A new cluster gets it. In an existing cluster the server logs in as this role to set `password`,
   * and to answer /ready and /metrics. Default: 'postgres'.
   */
  superuser?: string | undefined
  /** The role in `url`. Default: the superuser. */
  user?: string | undefined
  /** The database in `url`, which a new cluster gets as well. Default: 'postgres'. */
  database?: string | undefined
  /** Options of initdb for a new cluster, such as '--data-checksums'. Then initdb makes it, which takes some seconds. */
  initdbOptions?: readonly string[] | undefined
  /**
   * Files to run in a new cluster before clients are let in, in `database`, as the superuser: psql runs .sql and .sql.gz; the default
   * export of an .mjs file is called with a client of node-postgres. A directory stands for all such files in it, in the order of their
   * names. If a file fails, startServer() rejects, and nothing of the cluster is left.
   */
  init?: string | readonly string[] | undefined
}
