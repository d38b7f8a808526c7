/** Node's environment of Jest, with a database for each test, or each file, as the global `database`: see jest.ts. */
import type { Circus } from '@jest/types'
import { TestEnvironment } from 'jest-environment-node'
import { type Lease, leaser, placeOfDatabases } from './databases.js'

export default class DatabaseEnvironment extends TestEnvironment {
  readonly #lease = leaser(async () => {})
  readonly #perFile = placeOfDatabases()?.per === 'file'
  #current: Lease | undefined
  #failed = false

  override async setup(): Promise<void> {
    await super.setup()
    if (placeOfDatabases() === undefined)
      throw new Error(
        'there is no server for these tests: see globalSetup of pglite-imports-server/testing/jest',
      )
  }

  async handleTestEvent(event: Circus.Event): Promise<void> {
    if (event.name === 'test_start') {
      this.#current ??= await this.#lease()
      this.global.database = this.#current.database
    } else if (event.name === 'test_done') {
      this.#failed ||= event.test.errors.length > 0
      if (!this.#perFile) await this.#end()
    }
  }

  override async teardown(): Promise<void> {
    await this.#end()
    await super.teardown()
  }

  async #end(): Promise<void> {
    await this.#current?.end(this.#failed)
    this.#current = undefined
    this.#failed = false
  }
}
