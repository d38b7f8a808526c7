/** What the package's subpaths /wasm, /embedded and /workers all export. */
export {
  createPGliteImportHandler,
  type PGliteImportHandler,
  type PGliteImports,
  type PGliteModule,
} from '../machine/import-handler.js'
export {
  type InstantiateOptions,
  type ModuleImports,
  PostgresExit,
  type PostgresModule,
} from './postgres-module.js'
