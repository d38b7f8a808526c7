/** The control file may be written while a process that starts reads it. */
import { expect, test } from 'vitest'
import { useServer } from '../fixtures/server.js'
import { preload } from '../preloaded/path.js'

const server = useServer({ nodeArgs: preload('torn-control-file') })

test('a process that reads a half-written pg_control reads it again', async () => {
  for (let session = 0; session < 3; session++) {
    const client = await server.connect()
    expect(
      (await client.query('select data_page_checksum_version from pg_control_init()')).rows,
    ).toHaveLength(1)
    await client.query('checkpoint')
    await client.end()
  }
})
