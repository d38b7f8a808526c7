/** What the package's subpaths /wasm, /embedded and /workers all export. */
export {
  createPGliteImportHandler,
  type PGliteImportHandler,
  type PGliteImports,
} from '../machine/import-handler.js'
export { type InstantiateOptions, PostgresExit, type PostgresModule } from './postgres-module.js'
