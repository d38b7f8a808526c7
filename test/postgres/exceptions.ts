/**
 * Tests that do not pass, and folders that are not run, each with its reason. A listed test that passes is an error as well, but
 * for those that pass at times, and so is a folder of src/test/modules that is neither a suite nor listed.
 */

const WINDOWS = 'tests what only Windows has'
const INJECTION_POINTS = 'needs a server that was configured with --enable-injection-points'
const NO_SHELL = 'has commands other than cp to archive and restore, which need a shell'
const NO_COLLECTOR = 'needs the logging collector: here the host writes the log'
const CLIENT = 'tests client programs or libraries, not the server'

/** Tests by `suite/test`; a script in Perl is one test. Nothing of core and isolation belongs here. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  'authentication/005_sspi': WINDOWS,
  'authentication/007_pre_auth': INJECTION_POINTS,
  'pg_basebackup/020_pg_receivewal: program lz4 is not found in your system':
    'the Debian tree has no program lz4 to check a file with',
  'pg_combinebackup/012_vm_consistency': 'fills a table from a program, which needs a shell',
  'pg_ctl/001_start_stop':
    'finds the socket in the data directory that is its lock, where it knows only files, directories and links',
  'pg_ctl/004_logrotate': NO_COLLECTOR,
  'pg_upgrade/002_pg_upgrade':
    "native PostgreSQL, to which pg_upgrade takes the cluster, lacks the tests' own library in C",
  'pg_verifybackup/009_extract: compression with parallel zstd not supported by this build':
    'compresses by several threads, for which Debian builds Zstandard and we do not',
  'recovery/002_archiving': NO_SHELL,
  'recovery/017_shm': 'needs backends that outlive a postmaster which was killed: here they are its threads',
  'recovery/019_replslot_limit': 'stops a walsender by SIGSTOP, and the system knows only the whole server',
  'recovery/025_stuck_on_old_timeline': NO_SHELL,
  'recovery/035_standby_logical_decoding': INJECTION_POINTS,
  'recovery/041_checkpoint_at_promote': INJECTION_POINTS,
  'recovery/044_invalidate_inactive_slots': INJECTION_POINTS,
  'recovery/046_checkpoint_logical_slot': INJECTION_POINTS,
  'recovery/047_checkpoint_physical_slot': INJECTION_POINTS,
  'test_misc/005_timeouts': INJECTION_POINTS,
  'test_misc/006_signal_autovacuum': INJECTION_POINTS,
  'test_misc/007_catcache_inval': INJECTION_POINTS,
  'test_slru/001_multixact': INJECTION_POINTS,
}

/**
 * Of these, those that pass at times: what they cannot do matters only if something else is slow, or if the path of the data directory and the
 * name of the machine are short enough for a socket.
 */
export const PASS_AT_TIMES: readonly string[] = ['pg_ctl/001_start_stop', 'recovery/019_replslot_limit']

/** Folders of src/test/modules that are no suites. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  gin: INJECTION_POINTS,
  injection_points: INJECTION_POINTS,
  typcache: INJECTION_POINTS,
  libpq_pipeline: CLIENT,
  test_escape: CLIENT,
  test_json_parser: CLIENT,
  test_aio: 'needs injection points, and signals processes, which are none of the system',
  test_cloexec: 'tests handles of Windows',
  ldap_password_func: 'needs a server with LDAP',
  ssl_passphrase_callback: 'needs a server with OpenSSL',
  oauth_validator: 'needs a server with OAuth, and libcurl in clients',
}
