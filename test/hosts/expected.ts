/** What embedded.mjs answers where all is well. */
import { expect } from 'vitest'

const single = {
  second: '53300',
  rows: [{ count: 1000 }],
  error: '22012',
  libraries: [{ sorted: ['a', 'z', 'ä'], found: '{b}' }],
  exit: 0,
}

const sessions = {
  order: ['a', 'b'],
  waited: [{ value: 11 }],
  name: '',
  text: { stems: "'dog':2 'run':1" },
  timeout: '57014',
  deep: '54001',
  exit: 0,
}

export const WORKS = { canSuspend: true, sessions, single, completion: expect.stringContaining('42') }
