/** What every subpath of the package with a backend in it exports. */
export {
  createPGliteImportHandler,
  type PGliteImportHandler,
  type PGliteImports,
} from '../machine/import-handler.js'
export { type InstantiateOptions, PostgresExit, type PostgresModule } from './postgres-module.js'
