/**
 * PostgreSQL's programs that are built beside the server: those that work on a data directory, and clients.
 *
 * Left out are pg_ctl, pg_upgrade, pg_rewind and pg_createsubscriber, which start native servers, pg_config, which tells how to compile, and
 * pg_test_fsync and pg_test_timing, which measure the machine.
 */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'src/bin/pg_amcheck': ['pg_amcheck'],
  'src/bin/pg_archivecleanup': ['pg_archivecleanup'],
  'src/bin/pg_basebackup': ['pg_basebackup', 'pg_receivewal', 'pg_recvlogical'],
  'src/bin/pg_checksums': ['pg_checksums'],
  'src/bin/pg_combinebackup': ['pg_combinebackup'],
  'src/bin/pg_controldata': ['pg_controldata'],
  'src/bin/pg_dump': ['pg_dump', 'pg_dumpall', 'pg_restore'],
  'src/bin/pg_resetwal': ['pg_resetwal'],
  'src/bin/pg_verifybackup': ['pg_verifybackup'],
  'src/bin/pg_waldump': ['pg_waldump'],
  'src/bin/pg_walsummary': ['pg_walsummary'],
  'src/bin/pgbench': ['pgbench'],
  'src/bin/psql': ['psql'],
  'src/bin/scripts': [
    ...['clusterdb', 'createdb', 'createuser', 'dropdb', 'dropuser', 'pg_isready', 'reindexdb', 'vacuumdb'],
  ],
}

/** Their folders in PostgreSQL's source. */
export const PROGRAM_FOLDERS = Object.keys(PROGRAMS)

export const PROGRAM_NAMES = Object.values(PROGRAMS).flat().sort()
