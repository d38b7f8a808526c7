import { describe, expect, test } from 'vitest'
import { webRandom } from '../../wasm/machine/host/random.js'
import { random, randomName } from '../../wasm/node/random.js'

describe.each([
  ['of the web', webRandom],
  ['under Node', random],
])('random bytes %s', (_, fill) => {
  test('fill memory that threads share to its end, also more than the web gives at a time', () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(200_000))
    fill(bytes)
    // Of 1,000 random bytes in a row, all are below 128 once in 2 ** 1000 times.
    for (let at = 0; at < bytes.length; at += 1000)
      expect(Math.max(...bytes.subarray(at, at + 1000))).toBeGreaterThan(127)
  })

  test('are others each time', () => {
    const [first, second] = [new Uint8Array(16), new Uint8Array(16)]
    fill(first)
    fill(second)
    expect(first).not.toEqual(second)
  })
})

test('a random name has two hexadecimal digits for each byte', () => {
  expect(randomName(8)).toMatch(/^[0-9a-f]{16}$/)
})
