/**
 * The loadable modules of PostgreSQL that are built.
 *
 * To add a module, add its folder in PostgreSQL's source here: every library that `make install` makes from it is taken,
 * with its SQL and control files. A folder may hold several modules.
 */
export const MODULE_FOLDERS = [
  'src/pl/plpgsql/src',
  'src/backend/snowball', // dict_snowball: stemmers for full text search
  'src/backend/utils/mb/conversion_procs', // one module for each pair of encodings
  'src/backend/replication/pgoutput', // logical replication, publishing side
  'src/backend/replication/libpqwalreceiver', // replication, receiving side: with libpq
]

/** Installed along with the modules, and not one itself. */
export const LIBRARIES_THAT_ARE_NO_MODULES = ['libpq.so']
