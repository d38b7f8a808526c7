/**
 * The loadable modules of PostgreSQL that are built.
 *
 * To add a module, add its folder in PostgreSQL's source here: every library that `make install` makes from it is taken,
 * with its SQL and control files. A folder may hold several modules, or none, if its extension is written in SQL.
 */
const CONTRIB = [
  ...['amcheck', 'auth_delay', 'auto_explain', 'basic_archive', 'bloom', 'btree_gin', 'btree_gist', 'citext'],
  ...['cube', 'dblink', 'dict_int', 'dict_xsyn', 'earthdistance', 'file_fdw', 'fuzzystrmatch', 'hstore'],
  ...['intagg', 'intarray', 'isn', 'lo', 'ltree', 'pageinspect', 'passwordcheck', 'pg_buffercache'],
  ...[
    'pg_freespacemap',
    'pg_logicalinspect',
    'pg_overexplain',
    'pg_prewarm',
    'pg_stat_statements',
    'pg_surgery',
  ],
  ...['pgcrypto', 'uuid-ossp', 'xml2'],
  ...['pg_trgm', 'pg_visibility', 'pg_walinspect', 'pgrowlocks', 'pgstattuple', 'postgres_fdw', 'seg', 'spi'],
  ...['tablefunc', 'tcn', 'test_decoding', 'tsm_system_rows', 'tsm_system_time', 'unaccent'],
]

export const MODULE_FOLDERS = [
  'src/pl/plpgsql/src',
  'src/backend/snowball', // dict_snowball: stemmers for full text search
  'src/backend/utils/mb/conversion_procs', // one module for each pair of encodings
  'src/backend/replication/pgoutput', // logical replication, publishing side
  'src/backend/replication/libpqwalreceiver', // replication, receiving side
  ...CONTRIB.map(name => `contrib/${name}`), // docs/extensions.md says what is left out, and why
]

/**
 * Modules that only PostgreSQL's own test suites use (test/postgres). They are built into wasm/dist/test, which is not in the npm
 * package; test/postgres copies them to where a server looks.
 */
export const TEST_MODULE_FOLDERS = [
  'src/test/regress', // C functions for the core suite
  ...[
    ...[
      'delay_execution',
      'dummy_index_am',
      'dummy_seclabel',
      'plsample',
      'spgist_name_ops',
      'test_bloomfilter',
    ],
    ...['test_copy_callbacks', 'test_custom_rmgrs', 'test_custom_types', 'test_ddl_deparse', 'test_dsa'],
    ...['test_dsm_registry', 'test_extensions', 'test_ginpostinglist', 'test_integerset', 'test_lfind'],
    ...['test_oat_hooks', 'test_parser', 'test_pg_dump', 'test_predtest', 'test_radixtree', 'test_rbtree'],
    ...['test_regex', 'test_resowner', 'test_rls_hooks', 'test_shm_mq', 'test_slru', 'test_tidstore'],
    ...['worker_spi', 'xid_wraparound'],
  ].map(name => `src/test/modules/${name}`),
]

/** Variables that a folder's makefile is given. */
export const MAKE_VARIABLES: Readonly<Record<string, string[]>> = {
  // By default it uses the libraries of a server with OpenSSL.
  'contrib/pgcrypto': ['SHLIB_LINK=-lcrypto -lz'],
}

/** The target of a folder's makefile that installs its libraries, where it is not `install`. */
export const INSTALL_TARGETS: Readonly<Record<string, string>> = { 'src/test/regress': 'install-lib' }
