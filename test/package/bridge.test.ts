/** startBridge() of the library. */
import { connect } from 'node:net'
import { startBridge } from 'pglite-imports-server'
import { expect, test } from 'vitest'

/** Resolves to undefined if a server listens, else to the error's code. */
function attempt(port: number): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
      .on('connect', () => {
        socket.destroy()
        resolve(undefined)
      })
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  })
}

test('a bridge listens until the end of the block of an await using', async () => {
  let port: number
  {
    await using bridge = await startBridge({ url: 'ws://127.0.0.1:1', host: '127.0.0.1', port: 0 })
    port = bridge.port
    expect(await attempt(port)).toBeUndefined()
  }
  expect(await attempt(port)).toBe('ECONNREFUSED')
})
